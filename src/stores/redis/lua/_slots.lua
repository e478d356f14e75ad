-- Slots: leases that end by themselves, and a queue of those who wait for one.
--
-- leases   sorted set: lease id -> end of the lease in µs; "#" -> the last fencing token, negative
-- waiters  sorted set: id -> arrival in µs, each later than the one before
-- An id is instance.sequence.kind.timeout_us.slots.cost; kind "d" is handed its slot directly, "t" is told its turn.
local channel = text()

-- A sorted set that must outlive `us` more microseconds. Never shortens what another configuration asked for.
local function keep(key, us)
  local ms = ttl_ms(now + us)
  if call("PTTL", key) < ms then call("PEXPIRE", key, ms) end
end

local function live(target)
  return call("ZCOUNT", target.leases, format("(%.0f", now), "+inf")
end

-- µs until the slot that makes room for `slots` more falls free by itself; 0 where there is room.
local function slot_wait(target, slots)
  local missing = live(target) + slots - target.policy.slots
  if missing <= 0 then return 0 end
  local ends = call("ZRANGEBYSCORE", target.leases, format("(%.0f", now), "+inf", "WITHSCORES", "LIMIT", missing - 1, 1)
  return ends[2] - now
end

-- Whether `id` holds a lease that has not ended.
local function holds(target, id)
  return tonumber(call("ZSCORE", target.leases, id) or 0) > now
end

local function slot_ids(id, slots)
  local ids = { id }
  for slot = 2, slots do
    ids[slot] = id .. "+" .. slot
  end
  return ids
end

-- A token above every one that this key has given out.
local function next_fence(target)
  local fence = max(now, 1 - (call("ZSCORE", target.leases, "#") or 0))
  call("ZADD", target.leases, -fence, "#")
  return fence
end

-- Longer than the leases last: one that ran out is held again when it is renewed, if nobody took its slot.
local function keep_leases(target)
  keep(target.leases, 4 * target.policy.lease_ttl)
end

-- The leases of `id` last for their full time from now on.
local function extend(target, id, slots)
  for _, slot_id in ipairs(slot_ids(id, slots)) do
    call("ZADD", target.leases, now + target.policy.lease_ttl, slot_id)
  end
  keep_leases(target)
end

-- Gives `slots` slots to `id`, which the caller knows to be free. Returns the fencing token.
local function grant(target, id, slots)
  call("ZREMRANGEBYSCORE", target.leases, 1, now)
  local fence = next_fence(target)
  extend(target, id, slots)
  return fence
end

local function release(target, id, slots)
  local removed = 0
  for _, slot_id in ipairs(slot_ids(id, slots)) do
    removed = removed + call("ZREM", target.leases, slot_id)
  end
  return removed
end

-- Puts `id` at the end of the queue, or back where it was. Returns its arrival.
local function enqueue(target, id, arrival)
  if arrival == 0 then
    local last = call("ZREVRANGE", target.waiters, 0, 0, "WITHSCORES")
    arrival = max(now, (last[2] or 0) + 1)
  end
  call("ZADD", target.waiters, arrival, id)
  keep(target.waiters, max(4 * target.policy.lease_ttl, 60000000))
  return arrival
end

-- Appends slots in use, µs until one falls free by itself, and the fencing token of a new lease.
local function slot_level(reply, target, fence)
  if target.policy.slots == 0 then return end
  local ends = call("ZRANGEBYSCORE", target.leases, format("(%.0f", now), "+inf", "WITHSCORES", "LIMIT", 0, 1)
  reply[#reply + 1] = live(target)
  reply[#reply + 1] = ends[2] and ends[2] - now or 0
  reply[#reply + 1] = fence or 0
end
