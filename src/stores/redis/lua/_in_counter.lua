-- Takes from a sliding window counter whose window is open and has room, and whose key therefore lives as long as it
-- must. Else nothing is done. Lines of sliding_window_counter.lua, which knows all that they need; `named` is what the
-- value of such a window begins with, `used` and `reset` are what they tell.
if value and #value == 24 then
  local head, _, previous, start, count = unpack_at("<I8BI4I7I4", value, 1)
  local since, sum = now - start, count + cost
  if head == named and since >= 0 and since < window then
    if previous > 0 then sum = sum + ceil(previous * (steps - floor(since / step)) / steps) end
    if sum <= capacity and try("SETRANGE", key, "20", pack("<I4", count + cost)) == 24 then
      used, reset = sum, 2 * window - since
    end
  end
end
