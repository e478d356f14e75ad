--[[
Reads texts that are not too long. It changes nothing.

KEYS     their keys, all in one slot
ARGV     how long a text may be in bytes

Returns  { for each key its text, 1 where that is longer, or 0 where there is none... }
]]
local most, found = ARGV[1] + 0, redis.call("MGET", unpack(KEYS))
for i = 1, #KEYS do
  local text = found[i]
  found[i] = text and (#text <= most and text or 1) or 0
end
return found
