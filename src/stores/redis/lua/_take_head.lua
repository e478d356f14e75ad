-- What the scripts of one window begin with: short names, the clock, and what the header of a group says.
local call, try, format, tonumber, KEYS, ARGV = redis.call, redis.pcall, string.format, tonumber, KEYS, ARGV
local sub, byte, floor, ceil, min, max, type = string.sub, string.byte, math.floor, math.ceil, math.min, math.max, type
local pack, unpack_at = struct.pack, struct.unpack
local now = tonumber(ARGV[1])
if not now then
  local time = call("TIME")
  now = time[1] * 1000000 + time[2]
end
