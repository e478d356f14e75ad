-- Takes from a fixed window that is open and has room, and whose key therefore lives as long as it must. Else nothing
-- is done. Lines of fixed_window.lua, which knows all that they need; `used` and `reset` are what they tell.
if value and #value == 19 and byte(value, 1) == 70 then
  local length, start, count = unpack_at("<I7I7I4", value, 2)
  if length == window and start <= now and now < start + window and count + cost <= capacity then
    if try("SETRANGE", key, "15", pack("<I4", count + cost)) == 19 then
      used, reset = count + cost, start + window - now
    end
  end
end
