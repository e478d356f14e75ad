-- What is answered where an entry has failed: its failure is its own, and leaves the other entries alone. Only a server
-- that is no primary any more fails them all: the client must look for the new one.
local function failure_of(reply)
  local message = type(reply) == "table" and reply.err or tostring(reply)
  if string.find(message, "READONLY", 1, true) then error(reply, 0) end
  return message
end

-- Runs one entry.
local function guarded(run, argument)
  local ok, reply = pcall(run, argument)
  return ok and reply or failure_of(reply)
end
