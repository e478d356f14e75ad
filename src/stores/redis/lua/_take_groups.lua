-- Decides all entries, group by group. Takes of one time go to `take_quickly`, of the script that has these lines, as do
-- their values if it `reads` any.
local cursor, last = 1, 0
while last < #KEYS do
  local flags, first = ARGV[cursor + 1] + 0, last + 1
  last = min(last + floor(flags / 32), #KEYS)
  cost, capacity, window = ARGV[cursor + 2] + 0, ARGV[cursor + 3] + 0, ARGV[cursor + 4] + 0
  step, max_wait, cursor = ARGV[cursor + 5] + 0, 0, cursor + 5
  if flags % 4 >= 2 then
    max_wait, cursor = ARGV[cursor + 1] + 0, cursor + 1
  end
  local counts = flags % 16 >= 8
  peeks, begun = flags % 2 == 1, false
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
