--[[
Tells how the server is, and whether scripts may read and write here. It changes nothing: the key is never there.

KEYS     a key of this store that no limiter can have
ARGV     none

Returns  { seconds, µs, why a write is refused or "", what INFO says or "" }
]]
local time = redis.call("TIME")
local write = redis.pcall("PEXPIRE", KEYS[1], 1)
local info = redis.pcall("INFO")
return {
  time[1],
  time[2],
  type(write) == "table" and write.err or "",
  type(info) == "string" and info or "",
}
