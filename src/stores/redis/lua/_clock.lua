-- The clock of the server, in µs. Tests put their own in front of the first argument: "@now grace".
local now
if string.byte(ARGV[1]) == 64 then
  now, ARGV[1] = string.match(ARGV[1], "^@(%d+) (%d+)$")
  now = now + 0
else
  local time = redis.call("TIME")
  now = time[1] * 1000000 + time[2]
end
