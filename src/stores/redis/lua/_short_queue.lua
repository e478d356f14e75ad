-- Who is first in line, where one of the two keys is there: the queue, or a block. One that has given up or is gone, or
-- wants more than a permit, is a matter of the long way.
if queue == 1 then
  local entry = call("ZRANGE", waiters, "0", "0", "WITHSCORES")
  if entry[1] then
    local whose, longest_wait = string.match(entry[1], "^([^.]*)%.[^.]*%.d%.(%d+)%.1%.1$")
    if whose and now - entry[2] <= longest_wait + 0 then
      --- @inline _short_hears
      first = way and entry[1]
    end
  end
  -- A release does not care about a block.
  if not first then queue = is_release and not entry[1] and 0 or 2 end
end
