-- Who is first in line, and when it arrived: nil if no call waits, as what is there is a block; false if it has given up
-- or is gone, or wants more than a permit, which is a matter of the long way.
local entry = call("ZRANGE", KEYS[keys + 2 * key], "0", "0", "WITHSCORES")
if entry[1] then
  local whose, longest_wait = string.match(entry[1], "^([^.]*)%.[^.]*%.d%.(%d+)%.1%.1$")
  first, arrived = false, entry[2] + 0
  if whose and now - arrived <= longest_wait + 0 then
    --- @inline _short_hears
    first = way and entry[1] or false
  end
end
