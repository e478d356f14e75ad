-- One take from buckets and fixed windows that are packed (_packing.lua), with room, within the step for which the key
-- lives. Else nothing is done. Lines of several.lua; `taken` is the reply. What the stored rules say is compared
-- number by number: to put them together, as for a group, takes longer than all of this.
local count, at, rules, states = ARGV[9] + 0, 10, 0, 0
for _ = 1, count do
  local is_bucket = ARGV[at] == "t"
  at, rules, states = at + (is_bucket and 7 or 4), rules + (is_bucket and 0 or 7), states + 11
end
local offset = 2 + count + rules
if type(value) == "string" and byte(value, 1) == 80 and #value == offset + states then
  local taken, bytes, stored_until, until_us, fits = { now }, "", 0, 0, true
  at, rules, states = 10, 3 + count, offset + 1
  for i = 1, count do
    local letter, a, b = ARGV[at], ARGV[at + 1] + 0, ARGV[at + 2] + 0
    local us, units = unpack_at("<I7I4", value, states)
    if letter == "t" then
      local denominator, most_us, digits = ARGV[at + 3] + 0, now + ARGV[at + 4], ARGV[at + 6] + 0
      fits = digits < 10 and byte(value, 2 + i) == 116 + digits and units < denominator
      if us > stored_until then stored_until = us end
      if us < now and (units == 0 or us < now - 1) then
        us, units = now, 0
      end
      local carry = floor(cost * b / denominator)
      us, units = us + cost * a + carry, units + cost * b - carry * denominator
      if units >= denominator then
        us, units = us + 1, units - denominator
      end
      fits = fits and (us < most_us or (us == most_us and units <= ARGV[at + 5] + 0))
      if us > until_us then until_us = us end
      taken[2 * i], taken[2 * i + 1], at = us - now, units, at + 7
    else
      local past = us + b
      units = units + cost
      fits = letter == "f" and byte(value, 2 + i) == 70 and unpack_at("<I7", value, rules) == b
      fits = fits and us <= now and now < past and units <= a
      if past > stored_until then stored_until = past end
      if past > until_us then until_us = past end
      taken[2 * i], taken[2 * i + 1], at, rules = units, past - now, at + 4, rules + 7
    end
    if not fits then break end
    bytes, states = bytes .. pack("<I7I4", us, units), states + 11
  end
  local step_us = 1000 * 2 ^ byte(value, 2)
  fits = fits and stored_until - stored_until % step_us == until_us - until_us % step_us
  if fits and try("SETRANGE", key, format("%d", offset), bytes) == #value then return taken end
end
