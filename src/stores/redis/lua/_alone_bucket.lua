-- One take from a bucket that is not there, or stands where no call waits for it, and has room: `fits`, and then `level` is
-- where it stands, or, with fractions, `us` and `rem`. Else nothing is done. A bucket without fractions mostly stays in
-- its step (_in_step.lua); all others are written anew. Lines of scripts that know `key`, `burst_us`, `cost_text`,
-- `ttl_tag`, `longest_wait`, and, where there are fractions, `cost_rem`, `denominator`, `burst_rem` and `digits`.
local cost_us, step_us, tag_us = cost_text + 0, 1000 * 4 ^ (ttl_tag - 50), ttl_tag * ERA_US
local value, us, rem, level, written, fits = try("GET", key), nil, 0, nil, nil, nil
full_us = now + burst_us
if not denominator then
  local most_us = full_us + longest_wait
  if most_us - now + ARGV[1] * 1000 < LONGEST_US then
    local offset, reach_from = tag_us - era, now + REACH_US / 2
    --- @inline _in_step
    if level then
      fits = true
    elseif not value then
      us = now
    elseif known and not string.find(value, "%D") then
      us = known - offset -- with another TTL tag far from now
      if us < now then us = us > now - ERA_US / 2 and now end
    end
    if us and us + cost_us <= full_us then
      us = us + cost_us
      level, written = us - now, format("%d", tag_us + us % ERA_US)
    end
  end
else
  if not value then
    us = now
  elseif #value == 16 + digits and not string.find(value, "%D") then
    us, rem = string.sub(value, 1, 16) + 0, string.sub(value, 17) + 0
    if rem >= denominator then
      us = nil -- of other rules
    elseif us < now - 1 or (us < now and rem == 0) then
      us, rem = now, 0
    end
  end
  if us then
    us, rem = us + cost_us, rem + cost_rem
    if rem >= denominator then
      us, rem = us + 1, rem - denominator
    end
    if us < full_us or us == full_us and rem <= burst_rem + 0 then
      level = (us - now) * denominator + rem
      written = level <= 9007199254740991 and format("%016d%0" .. digits .. "d", us, rem)
    end
  end
end
if written then
  -- To the end of the step.
  local life = format("%d", math.floor((us - us % step_us + step_us - now) / 1000) + 2 + ARGV[1])
  fits = try("SET", key, written, "PX", life).ok
end
