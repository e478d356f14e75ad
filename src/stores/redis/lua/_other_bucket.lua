-- Whether digits may be a token bucket of earlier rules, whose remainder had more or fewer of them. Each key of the store
-- expires; what another program counts under a key mostly does not. A user without a right to PTTL cannot know.
local MOST_DIGITS = 32
local function may_be_bucket(key, digits)
  local ttl_ms = redis.pcall("PTTL", key)
  return #digits <= MOST_DIGITS and (type(ttl_ms) == "table" or ttl_ms >= 0)
end
