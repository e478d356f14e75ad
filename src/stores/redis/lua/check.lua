--[[
Tells how the server is, and whether scripts may do here what they have to. It changes nothing: the keys are never there,
and no command makes one.

KEYS     keys of this store that no limiter can have; a server that is a node of a cluster refuses two in different slots
ARGV     commands to try, each with its words separated by spaces; "KEY" and "TAGGED" stand for the first two keys, and
         "EMPTY" for an empty string

Returns  { seconds, µs, what INFO says or "", why a command was refused... }
]]
local time = redis.call("TIME")
local info = redis.pcall("INFO")
local reply = { time[1], time[2], type(info) == "string" and info or "" }
local meaning = { ["KEY"] = KEYS[1], ["TAGGED"] = KEYS[2], ["EMPTY"] = "" }
for _, command in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(command, "%S+") do
    words[#words + 1] = meaning[word] or word
  end
  local tried = redis.pcall(unpack(words))
  if type(tried) == "table" and tried.err then reply[#reply + 1] = tried.err end
end
return reply
