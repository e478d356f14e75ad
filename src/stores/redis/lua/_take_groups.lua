-- Decides all entries, group by group. Takes of one time go to `take_quickly`, of the script that has these lines, as do
-- their values if it `reads` any.
local cursor, last = 2, 0
while last < #KEYS do
  local flags, first = ARGV[cursor + 1] + 0, last + 1
  last = min(last + ARGV[cursor + 2], #KEYS)
  cost, capacity, window = ARGV[cursor + 3] + 0, ARGV[cursor + 4] + 0, ARGV[cursor + 5] + 0
  step, max_wait = ARGV[cursor + 6] + 0, ARGV[cursor + 7] + 0
  local counts = flags >= 8
  peeks, begun, cursor = flags % 2 == 1, false, cursor + 7
  for from = first, last, 1000 do
    local past = min(from + 999, last)
    -- In as few calls as the stack of Lua allows. One that holds no string reads as absent.
    local values = reads and call("MGET", unpack(KEYS, from, past))
    if not (counts or peeks) then
      take_quickly(values, from, past)
    else
      for i = from, past do
        local times = counts and ARGV[cursor + i - first + 1] + 0 or 1
        tell(KEYS[i], values and values[i - from + 1], times, counts)
      end
    end
  end
  if counts then cursor = cursor + last - first + 1 end
end
return refused and redis.error_reply(refused) or replies
