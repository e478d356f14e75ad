-- A fixed window as an integer of Redis, which takes the fewest bytes, and to which one command adds a take. It is below
-- -2^52, as no bucket is: that, less the start times a factor, less the count, which stays below the factor. Of the
-- start, so much is kept as fits: it is the instant nearest to now. How long the window is, the plain rules know.
local LEAST = -2 ^ 52

local function is_short(value)
  return #value == 17 and string.find(value, "^%-%d+$") and value + 0 <= LEAST and value + 0 > 2 * LEAST
end

local function read_short(value, factor)
  local stored, span = value + 0, -LEAST / factor
  local count = -stored % factor
  local start = now - now % span - (stored + count) / factor - span
  if start > now + span / 2 then start = start - span end
  if start <= now - span / 2 then start = start + span end
  return start, count
end

local function short_value(start, count, factor)
  return format("%.0f", LEAST - start % (-LEAST / factor) * factor - count)
end
