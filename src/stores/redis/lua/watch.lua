--[[
Says that the fleet is watched, and tells which processes have posted reports.

KEYS     the watch, and the index of reports: the names of processes, with a line break before and behind each
ARGV     how long the watch holds in ms, how long the index may be in bytes, and names to take out of it, whose reports
         are gone

Returns  the index; empty where there is none. One that is too long is begun anew
]]
local call, ms, most = redis.call, ARGV[1], ARGV[2] + 0
call("SET", KEYS[1], "1", "PX", ms)
local index = call("GET", KEYS[2]) or ""
if index == "" then return "" end
if #index > most then index = "\n" end
for i = 3, #ARGV do
  local from, to = string.find(index, "\n" .. ARGV[i] .. "\n", 1, true)
  if from then index = string.sub(index, 1, from) .. string.sub(index, to + 1) end
end
call("SET", KEYS[2], index, "PX", 3 * ms)
return index
