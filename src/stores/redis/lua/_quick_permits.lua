-- The short way of most calls for permits: one permit of a limiter that has nothing else, a queue that is empty, and no
-- lease that has ended. Both functions return nothing where it is more than that, and have written nothing then.

-- What this batch knows of a key: leases that have not ended, the first end, the last fencing token, whether nobody
-- waits. Forgotten once anything else has touched a key.
local known = {}
local function read_permits(main, leases, waiters)
  if call("EXISTS", waiters, main) > 0 then return nil end
  local first = call("ZRANGE", leases, "0", "1", "WITHSCORES")
  local permits = { fence = 0, live = 0, first_end = 0, is_kept = false }
  if first[1] then
    if first[1] ~= "#" then return nil end
    permits.fence = -first[2]
    if first[3] then
      permits.first_end = first[4] + 0
      if permits.first_end <= now then return nil end
      permits.live = call("ZCARD", leases) - 1
    end
  end
  known[leases] = permits
  return permits
end

local function take_quickly(policy, id, mode, main, leases, waiters)
  if refused then error(refused, 0) end
  local permits = known[leases]
  if not permits then
    permits = read_permits(main, leases, waiters)
    if not permits then return nil end
  elseif not permits.first_end then
    permits.first_end = 0
    if permits.live > 0 then permits.first_end = call("ZRANGE", leases, "1", "1", "WITHSCORES")[2] + 0 end
  end
  local live = permits.live
  if live >= policy.slots then
    if mode == "1" or live > policy.slots then return nil end
    local wait = permits.first_end - now
    return { 4, wait, 0, live, wait, 0 }
  end
  local fence, ends = max(now, permits.fence + 1), now + policy.lease_ttl
  if call("ZADD", leases, fence_text(fence), "#", end_text(policy), id) == 0 then
    known[leases] = nil -- it held one already: the rest is as it was
    return nil
  end
  permits.fence, permits.live = fence, live + 1
  if live == 0 or ends < permits.first_end then permits.first_end = ends end
  if not permits.is_kept then
    keep(leases, 4 * policy.lease_ttl)
    permits.is_kept = true
  end
  return { 1, 0, 0, live + 1, permits.first_end - now, fence }
end

local function release_quickly(id, main, leases, waiters)
  local permits = known[leases]
  if not permits and call("EXISTS", waiters, main) > 0 then return nil end
  local removed = call("ZREM", leases, id)
  if permits and removed > 0 then
    permits.live, permits.first_end = permits.live - removed, false
  end
  return { removed }
end
