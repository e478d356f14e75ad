--- @include _ttl_tag
-- The reach that a TTL tag tells; 0 without one.
local function tag_reach(stored)
  return math.max(math.floor((stored - LEAST_TAGGED) / REACH_US), 0)
end

-- The instant that such a number stands for: behind a TTL tag, the one nearest to now.
local function instant(stored)
  if stored < LEAST_TAGGED then return stored end
  local us = era + stored % ERA_US
  if us > now + ERA_US / 2 then return us - ERA_US end
  if us < now - ERA_US / 2 then return us + ERA_US end
  return us
end
