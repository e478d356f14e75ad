-- Stands in front of a script whose keys lie in several slots of one node of a cluster. The node runs no script that
-- declares such keys, but lets it touch them: so all but the first stand behind the arguments, and last how many these
-- are. No command may have keys of several slots. A key that is not there, or is no string, counts as absent: the
-- script finds out what is wrong when it writes.
local call, try, error_reply = redis.call, redis.pcall, redis.error_reply
local KEYS, redis = { KEYS[1], unpack(ARGV, #ARGV - ARGV[#ARGV], #ARGV - 1) }, {}
redis.pcall, redis.error_reply = try, error_reply
function redis.call(command, ...)
  if command ~= "MGET" then return call(command, ...) end
  local values = { ... }
  for i = 1, #values do
    local value = try("GET", values[i])
    values[i] = type(value) == "string" and value
  end
  return values
end
