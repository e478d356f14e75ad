-- Decides all entries, run by run. `decide`, of the script that has these lines, decides one and tells how many of its
-- takes were admitted at once, the units in use, µs until none is, and µs until another one may be; or, in place of all
-- that, what stands in the reply. An error of the server is told as false and its message.
local replies, place, cursor, last = { now }, 1, 2, 0
while last < #KEYS do
  local kind, first = ARGV[cursor + 1] + 0, last + 1
  last = min(last + ARGV[cursor + 2], #KEYS)
  cost, capacity, window = ARGV[cursor + 3] + 0, ARGV[cursor + 4] + 0, ARGV[cursor + 5] + 0
  step, max_wait = ARGV[cursor + 6] + 0, ARGV[cursor + 7] + 0
  local counts = kind >= 8
  peeks, cursor = kind % 2 == 1, cursor + 7
  begin()
  for from = first, last, 1000 do
    local past = min(from + 999, last)
    -- In as few calls as the stack of Lua allows. One that holds no string reads as absent.
    local values = reads and call("MGET", unpack(KEYS, from, past))
    for i = from, past do
      local times = counts and ARGV[cursor + i - first + 1] + 0 or 1
      local taken, used, reset, wait = decide(KEYS[i], values and values[i - from + 1], times)
      if not taken then
        -- Of a server that is no primary any more all fails: the client must look for the new one.
        if string.find(used, "READONLY", 1, true) then return redis.error_reply(used) end
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
  end
  if counts then cursor = cursor + last - first + 1 end
end
return replies
