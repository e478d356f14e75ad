-- Grants a permit, or the permit that was released to the first in line, or denies it, or queues.
if not live then
  local members = call("ZCARD", leases)
  if members == 0 then
    live, fence = 0, 0
  elseif call("ZCOUNT", leases, below_now, step_token) == 1 then
    -- The last token is of this step. Which one it is does not matter, and to print it would take long.
    fence, first_end = now - 1, members > 1 and call("ZRANGE", leases, "1", "1", "WITHSCORES")[2] + 0
    if members == 1 or first_end > now then live = members - 1 end
  elseif members == 1 then
    local token = call("ZSCORE", leases, "#")
    if token then
      live, fence = 0, -token
    end
  else
    local entries = call("ZRANGE", leases, "0", "1", "WITHSCORES")
    if entries[1] == "#" and entries[4] + 0 > now then
      live, fence, first_end = members - 1, -entries[2], entries[4] + 0
    end
  end
elseif live > 0 and not first_end then
  first_end = call("ZRANGE", leases, "1", "1", "WITHSCORES")[2] + 0
end

local room = live and permits - live
-- A lease that ends later than any does by this policy: the long way looks whether the clock stepped back.
if room == 0 and not is_release and call("ZCOUNT", leases, "(" .. ends, "+inf") > 0 then room = nil end
if room and room > 0 and (not first or is_release and room == 1) then
  done = 1
  -- Those behind it that are alike are taken together, as far as there is room.
  while done < room and codes[at + 2 * done] == letter + 32 and codes[at + 2 * done + 1] == place do
    done = done + 1
  end
  has_written = true
  local token = now
  if fence >= now then token = fence + 1 end
  if first then call("ZREM", waiters, first) end
  if done == 1 then
    local stored = token == now and now_token or format("%.0f", -token)
    call("ZADD", leases, stored, "#", ends, first or ARGV[id])
  else
    together = done
    local members = { format("%.0f", 1 - token - done), "#" }
    for i = 0, done - 1 do
      members[2 * i + 3], members[2 * i + 4] = ends, ARGV[id + i]
    end
    call("ZADD", leases, unpack(members))
  end
  if fence < step_from or fence >= step_from + STEP_US or ttl > LONGEST_TRUSTED_US then
    local kept = leases
    --- @inline _short_keep
  end
  if live == 0 or now + ttl < first_end then first_end = now + ttl end
  if first then
    local message = format("granted %s 1 0 0 %d %.0f %.0f %s", now_text, live + 1, first_end - now, token, first)
    if way == "caller" then
      messages[#messages + 1] = message
    else
      call("PUBLISH", ARGV[4] .. instance, message)
    end
    replies[last + 1] = removed
  else
    together = 1
    for i = 1, done do
      replies[last + 1], replies[last + 2], replies[last + 3] = live + i, first_end - now, token + i - 1 - now
      last = last + 3
    end
  end
  live, fence = live + done, token + done - 1
elseif room and room <= 0 and is_release then
  replies[last + 1] = removed
  done = 1
elseif room == 0 and letter == 84 then
  replies[last + 1], replies[last + 2], replies[last + 3] = 0, first_end - now, live
  done = 1
elseif room == 0 and (ARGV[policy + 2] == "-1" or call("ZCARD", waiters) < ARGV[policy + 2] + 0) then
  local whose = first and instance or string.match(ARGV[id], "^[^.]*")
  --- @inline _short_hears
  if way then
    local arrival, stored = now, now_text
    if first and call("ZCOUNT", waiters, now_text, "+inf") > 0 then
      arrival = call("ZREVRANGE", waiters, "0", "0", "WITHSCORES")[2] + 1
      stored = format("%.0f", arrival)
    end
    call("ZADD", waiters, stored, ARGV[id])
    quiet, has_written, done = false, true, 1
    local kept = waiters
    --- @inline _short_keep
    replies[last + 1] = { 3, math.min(first_end - now, ttl), arrival, live, first_end - now, 0 }
  end
end
