-- Short names for what the scripts of windows do beyond the short way: to look them up takes about as long as a command.
local call, format, KEYS, ARGV = redis.call, string.format, KEYS, ARGV
local sub, byte, floor, ceil, min, max, type = string.sub, string.byte, math.floor, math.ceil, math.min, math.max, type
