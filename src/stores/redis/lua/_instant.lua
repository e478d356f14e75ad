--- @include _mark

-- The instant that such a number stands for: behind a mark, the one nearest to now.
local function instant(stored)
  if stored < LEAST_MARKED then return stored end
  local us = era + stored % ERA_US
  if us > now + ERA_US / 2 then return us - ERA_US end
  if us < now - ERA_US / 2 then return us + ERA_US end
  return us
end
