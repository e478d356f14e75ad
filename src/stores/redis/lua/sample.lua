--[[
Looks at some keys of a server: whether they expire, and how their values begin. It changes nothing. The keys are those
that the server finds, so they are not declared: a node of a cluster finds its own.

KEYS     none
ARGV     where to go on: 0 at first; a pattern of names; how many keys to look at

Returns  { where to go on, or "" if scripts of this user may not look; and for each key found its name, how long it lives
         in ms, or -1 if it does not expire; and the first character of its value, behind a block if it has one, or "" if
         it is no string, or cannot be read... }
]]
local try = redis.pcall
local page = try("SCAN", ARGV[1], "MATCH", ARGV[2], "COUNT", ARGV[3])
if page.err then return { "", page.err } end
local reply = { page[1] }

local function first_of(key)
  local first = try("GETRANGE", key, 0, 0)
  if type(first) ~= "string" then return "" end
  -- A key that is only blocked holds nothing else.
  local behind = first == "b" and try("GETRANGE", key, 9, 9) or ""
  return behind == "" and first or behind
end

for _, key in ipairs(page[2]) do
  local life = try("PTTL", key)
  reply[#reply + 1] = key
  reply[#reply + 1] = type(life) == "number" and life or -2
  reply[#reply + 1] = first_of(key)
end
return reply
