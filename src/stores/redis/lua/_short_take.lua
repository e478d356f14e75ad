-- Grants a permit, or the permit that was released to the first in line, or denies it, or queues.
if not live then
  local members = call("ZCARD", leases)
  if members == 0 then
    live, fence = 0, 0
  elseif call("ZCOUNT", leases, below_now, step_token) == 1 then
    -- The last token is of this step. Which one it is does not matter, and to print it would take long.
    fence = now - 1
    if members == 1 then
      live = 0
    else
      local entry = call("ZRANGE", leases, "1", "1", "WITHSCORES")
      first_id, first_end = entry[1], entry[2] + 0
      if first_end > now then live = members - 1 end
    end
  elseif members == 1 then
    local token = call("ZSCORE", leases, "#")
    if token then
      live, fence = 0, -token
    end
  else
    local entries = call("ZRANGE", leases, "0", "1", "WITHSCORES")
    if entries[1] == "#" and entries[4] + 0 > now then
      live, fence, first_id, first_end = members - 1, -entries[2], entries[3], entries[4] + 0
    end
  end
elseif live > 0 and not first_end then
  local entry = call("ZRANGE", leases, "1", "1", "WITHSCORES")
  first_id, first_end = entry[1], entry[2] + 0
end

local room, first, arrived = live and permits - live, nil, nil
if room and room > 0 and queue == 1 then
  if not is_release then
    queue = call("EXISTS", KEYS[keys + 2 * key - 1], KEYS[keys + 2 * key]) -- the last in line may have been served
  elseif room == 1 then
    --- @inline _short_queue
  end
end
if room and room > 0 and (queue == 0 or first) then
  done = 1
  -- Those behind it that are alike are taken together, as far as there is room.
  while done < room and codes[at + 2 * done] == letter + 32 and codes[at + 2 * done + 1] == place do
    done = done + 1
  end
  has_written = true
  local token, new = now, first or ARGV[id]
  if fence >= now then token = fence + 1 end
  if first then call("ZREM", KEYS[keys + 2 * key], first) end
  if done == 1 then
    call("ZADD", leases, token == now and now_token or format("%d", -token), "#", ends, new)
  else
    together = done
    local members = { format("%d", 1 - token - done), "#" }
    for i = 0, done - 1 do
      members[2 * i + 3], members[2 * i + 4] = ends, ARGV[id + i]
    end
    call("ZADD", leases, unpack(members))
  end
  if fence < step_from or fence >= step_from + STEP_US or ttl > LONGEST_TRUSTED_US then
    local kept, left = leases, fence == 0 and -1 or call("PTTL", leases)
    --- @inline _short_keep
  end
  if live == 0 or now + ttl < first_end then
    first_id, first_end = new, now + ttl
  end
  if first then
    local message = format("granted %s 1 0 0 %d %d %d %s", now_text, live + 1, first_end - now, token, first)
    if way == "caller" then
      messages[#messages + 1] = message
    else
      call("PUBLISH", string.match(hears, ":(.*)") .. instance, message)
    end
    last = last + 1
    replies[last] = removed
  else
    local wait, above = first_end - now, token - now
    for i = 1, done do
      replies[last + 1], replies[last + 2], replies[last + 3] = live + i, wait, above
      last, above = last + 3, above + 1
    end
    together = 1
  end
  live, fence = live + done, token + done - 1
elseif is_release then
  -- It does not care about a block.
  if room and (room <= 0 or room == 1 and first == nil) then
    last, done = last + 1, 1
    replies[last] = removed
  end
elseif room == 0 then
  local waiters = KEYS[keys + 2 * key]
  if queue == 1 then
    if letter == 87 then
      --- @inline _short_queue
    else
      first = call("EXISTS", waiters) == 1 or nil
    end
    -- The last in line may have been served since.
    if first == nil and call("EXISTS", KEYS[keys + 2 * key - 1]) == 0 then queue = 0 end
  end
  -- A lease that ends later than any does by this policy: the long way looks whether the clock stepped back.
  local is_late = first_end > now + ttl or permits > 1 and call("ZCOUNT", leases, "(" .. ends, "+inf") > 0
  if is_late or queue == 1 and not first then
    done = 0
  elseif letter == 84 then
    replies[last + 1], replies[last + 2], replies[last + 3] = 0, first_end - now, live
    last, done = last + 3, 1
  elseif most_waiters == "-1" or (first and call("ZCARD", waiters) or 0) < most_waiters + 0 then
    local whose = first and instance or string.match(ARGV[id], "^[^.]*")
    --- @inline _short_hears
    if way then
      local arrival, stored = now, now_text
      if first and call("ZCOUNT", waiters, now_text, "+inf") > 0 then
        arrival = call("ZREVRANGE", waiters, "0", "0", "WITHSCORES")[2] + 1
        stored = format("%d", arrival)
      end
      call("ZADD", waiters, stored, ARGV[id])
      queue, others, has_written, done = 1, nil, true, 1
      -- A queue lives as leases do: that the first in line came in this step means as much as a token.
      local is_known = first and arrived >= step_from and arrived < step_from + STEP_US
      if not is_known or ttl > LONGEST_TRUSTED_US then
        local kept, left = waiters, first and call("PTTL", waiters) or -1
        --- @inline _short_keep
      end
      replies[last + 1], replies[last + 2], replies[last + 3] = -live, first_end - now, arrival - now
      last = last + 3
    end
  end
end
