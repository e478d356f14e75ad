-- Decides an entry, and says in the reply what was decided. `begin`, of the script that has these lines, prepares a run.
-- `decide` tells how many takes were admitted at once, the units in use, µs until none is, and µs until another one may
-- be; or, in place of all that, what stands in the reply. An error of the server is false and its message.
local function tell(key, value, times, counts)
  if not begun then
    begin()
    begun = true
  end
  local taken, used, reset, wait = decide(key, value, times)
  if not taken then
    -- Of a server that is no primary any more all fails: the client must look for the new one.
    if string.find(used, "READONLY", 1, true) then refused = used end
    taken = used
  end
  place = place + 1
  if type(taken) ~= "number" then
    replies[place] = taken
  elseif counts then
    replies[place], replies[place + 1], replies[place + 2], replies[place + 3] = taken, used, reset, wait
    place = place + 3
  elseif taken > 0 then
    replies[place], replies[place + 1] = used, reset
    place = place + 1
  else
    replies[place], replies[place + 1], replies[place + 2] = -1 - used, reset, wait
    place = place + 2
  end
end
