-- Takes from a log with a place for another run, and room for its units. Else nothing is done. Lines of
-- sliding_window.lua, which knows all that they need: `before` is where the window begins, `step_from` where the step of
-- time does, by the end of which the key lives for `lives`; `used` is what they tell.
local bytes = power < 16 and cost <= 65535 and try("GETRANGE", key, "0", "313")
if bytes and #bytes > 65 then
  local past, letter, blocked, length, promised, newest, head, count, slots, total, tail, stored =
    #bytes, unpack_at("<BdI7I7I7I4I4I4I7I4B", bytes, 1)
  local slot = (head + count) % slots
  if
    letter == 83
    and length == window
    and (stored == power or stored == power + 32)
    and blocked <= now
    and promised == 0
    and newest < now
    and count < slots
    and head < slots
    and past == (slots > 32 and 314 or 58 + 8 * slots)
  then
    -- What has left the window, as far as it lies in what was read.
    local sum, is_found = total + cost, false
    while count > 0 and head < page and 66 + 8 * head <= past do
      local us, units = unpack_at("<I6I2", bytes, 59 + 8 * head)
      us = us + era
      if us > half then us = us - SPAN end
      if us > before then
        is_found = true
        break
      end
      count, sum, head = count - 1, sum - units, head + 1
      if head == slots then head = 0 end
    end
    if is_found and sum <= capacity then
      local at = 58 + 8 * slot
      if slot >= page then at = at + 4 * floor(slot / page) end
      tail = slot % page > 0 and tail + cost or cost
      if type(try("SETRANGE", key, format("%d", at), pack("<I6I2", now % SPAN, cost))) == "number" then
        stored = stored > power and cost == 1 and stored or power
        -- The last run of a page: its units are written in front of it.
        if slots > 32 and ((slot + 1) % page == 0 or slot + 1 == slots) then
          try("SETRANGE", key, format("%d", at - 8 * (slot % page) - 4), pack("<I4", tail))
        end
        try("SETRANGE", key, "23", pack("<I7I4I4I4I7I4B", now, head, count + 1, slots, sum, tail, stored))
        if step_from > newest then try("PEXPIRE", key, lives) end
        used = sum
      end
    end
  end
end
