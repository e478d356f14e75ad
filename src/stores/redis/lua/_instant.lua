--- @include _mark
-- The reach that a mark tells; 0 without a mark.
local function mark_reach(stored)
  return math.max(math.floor((stored - LEAST_MARKED) / RANK_US), 0)
end

-- The instant that such a number stands for: behind a mark, the one nearest to now.
local function instant(stored)
  if stored < LEAST_MARKED then return stored end
  local us = era + stored % ERA_US
  if us > now + ERA_US / 2 then return us - ERA_US end
  if us < now - ERA_US / 2 then return us + ERA_US end
  return us
end
