-- Takes from a sliding window counter whose window is open and has room, and whose key therefore lives as long as it
-- must. Else nothing is done. Lines of sliding_window_counter.lua, which knows all that they need; `used` and `reset`
-- are what they tell.
if value and #value == 24 and byte(value, 1) == 67 then
  local length, _, previous, start, count = unpack_at("<I7BI4I7I4", value, 2)
  if length == window and start <= now and now < start + window then
    local sum = ceil(previous * (steps - floor((now - start) / step)) / steps) + count + cost
    if sum <= capacity and try("SETRANGE", key, "20", pack("<I4", count + cost)) == 24 then
      used, reset = sum, start + 2 * window - now
    end
  end
end
