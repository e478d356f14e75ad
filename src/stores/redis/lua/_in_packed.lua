-- Takes once from limits that are packed, whose windows are open and which all have room. Else nothing is done. Lines
-- of several.lua, which knows all that they need: `fits` tells whether `value` is packed, and then whether it was
-- taken. The level stands in the reply, behind `place`.
if fits then
  stored_until, until_us = 0, 0
  for n = 1, count do
    local limit = limits[n]
    local kind, slot, past = limit.letter, limit.slot, 0
    local us, units, previous = unpack_at(limit.format, value, limit.at)
    if kind == "t" then
      if us > stored_until then stored_until = us end
      if us < now and (units == 0 or us < now - 1) then
        us, units = now, 0
      end
      local denominator, most_us = limit.denominator, limit.most_us
      us, past, units = us + limit.us, us + limit.us, units + limit.rem
      if units >= denominator then
        -- A remainder that is too large is of other rules.
        units = min(units, denominator - 1 + limit.rem)
        if units >= denominator then
          us, units = us + 1, units - denominator
        end
      end
      if us >= most_us and (us > most_us or units > limit.burst_rem) then
        fits = false
        break
      end
      replies[place + n + n - 1], replies[place + n + n] = us - now, units
    else
      units, past = units + cost, us + limit.horizon
      local used = units
      if kind == "c" then
        following[slot + 2], used = previous, units + faded(limit, us, previous)
      end
      if us > now or now >= us + limit.window or used > limit.capacity then
        fits = false
        break
      end
      if past > stored_until then stored_until = past end
      replies[place + n + n - 1], replies[place + n + n] = used, past - now
    end
    if past > until_us then until_us = past end
    following[slot], following[slot + 1] = us, units
  end
  fits = fits and not write(key, value)
end
