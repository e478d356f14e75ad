-- Takes from a fixed window that is open and has room, and whose key therefore lives as long as it must. Else nothing
-- is done. Lines of fixed_window.lua, which knows all that they need: `most` is below `factor`, `named` is what
-- the value of a window begins with that is no integer; `used` and `reset` are what they tell.
local stored = value and tonumber(value)
if stored and stored <= least then
  local count = -stored % factor
  local start = era - (stored + count) / factor
  if start > half then start = start - span end
  local sum, left = count + cost, start + window - now
  if start <= now and left > 0 and sum <= most and try("INCRBY", key, less) == stored - cost then
    used, reset = sum, left
  end
elseif value and #value == 19 then
  local head, start, count = unpack_at("<I8I7I4", value, 1)
  local sum, left = count + cost, start + window - now
  if head == named and start <= now and left > 0 and sum <= capacity and not (most > 0) then
    if try("SETRANGE", key, "15", pack("<I4", sum)) == 19 then
      used, reset = sum, left
    end
  end
end
