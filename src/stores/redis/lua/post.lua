--[[
Leaves the report of a process for those who watch the fleet, or only tells whether there are any. It writes nothing while
there are none. It needs no command that decisions do not need.

KEYS     the watch, which is there while the fleet is watched; and, of a report, its own key and the index of all reports
ARGV     of a report: its text, how long it stays in ms, and the name to enter into the index if it is not there, or ""

Returns  1 if there is a watcher, 0 if not
]]
local call = redis.call
if not call("GET", KEYS[1]) then return 0 end
if not KEYS[2] then return 1 end
call("SET", KEYS[2], ARGV[1], "PX", ARGV[2])
local name = ARGV[3]
if name == "" then return 1 end
local index = call("GET", KEYS[3]) or "\n"
if not string.find(index, "\n" .. name .. "\n", 1, true) then
  call("SET", KEYS[3], index .. name .. "\n", "PX", 3 * ARGV[2])
end
return 1
