-- The queue, and hand-over: who frees a permit gives it to the first in line, and tells the process that waits.

-- Whether no call waits, by one command. Where there are no rates, it shows as well that there is no block.
local function look(target)
  local others = #target.policy.rates == 0 and call("EXISTS", target.waiters, target.key)
    or call("EXISTS", target.waiters)
  target.quiet = others == 0
  target.fresh = target.quiet and #target.policy.rates == 0
end

-- The first in line of each queue, as far as this batch knows it.
local heads = {}

local function leave(target, id)
  heads[target.waiters] = nil
  return call("ZREM", target.waiters, id, id .. "k")
end

-- Puts `id` at the end of the queue, or back where it was. Returns its arrival.
local function enqueue(target, id, arrival)
  if arrival == 0 then
    local last = call("ZREVRANGE", target.waiters, "0", "0", "WITHSCORES")
    arrival = max(now, (last[2] or 0) + 1)
  end
  call("ZADD", target.waiters, stamp(arrival), id)
  heads[target.waiters], target.quiet = nil, false
  keep(target.waiters, max(4 * target.policy.lease_ttl, 60000000))
  return arrival
end

-- Keeps the place of `id`, if it has one, while it waits at another queue: others stay behind it, but it is not
-- called at each of their calls.
local function keep_place(target, id, arrival)
  if call("ZSCORE", target.waiters, id) then
    call("ZADD", target.waiters, stamp(arrival), id .. "k") -- first: a set that is empty loses its time to live
    call("ZREM", target.waiters, id)
  end
  heads[target.waiters] = nil
end

-- In a cluster, an inbox may belong to another node, which counts as none.
local function has_inbox(instance)
  return redis.pcall("EXISTS", inbox(instance)) == 1
end

local function is_listening(instance)
  if hears[instance] == nil then
    local subscribed = call("PUBSUB", "NUMSUB", channel .. instance)[2] > 0
    hears[instance] = subscribed and "channel" or has_inbox(instance) and "inbox" or false
  end
  return hears[instance]
end

local function tell(kind, waiter, reply)
  local words = format(string.rep(" %.0f", 1 + #reply), now, unpack(reply))
  local message = kind .. words .. " " .. waiter.id
  local way = hears[waiter.instance]
  if way == "caller" then
    messages[#messages + 1] = message
  elseif way == "inbox" then
    call("RPUSHX", inbox(waiter.instance), message)
  else
    call("PUBLISH", channel .. waiter.instance, message)
  end
end

-- How many in front of a queue may be called, or keep a place, at the same time: those behind wait.
local FRONT = 8

-- Who stands at a place of the queue, from 0, as a target of its own; those who gave up or whose process is gone are
-- dropped.
local function waiter_at(target, place)
  if target.quiet then return nil end
  local known = place == 0 and heads[target.waiters]
  if known and known.policy == target.policy then return known end
  while true do
    local entry = call("ZRANGE", target.waiters, format("%d", place), format("%d", place), "WITHSCORES")
    local member = entry[1]
    if not member then return nil end
    local id, instance, kind, timeout, permits, cost, kept =
      string.match(member, "^((.-)%..-%.(.)%.(%d+)%.(%d+)%.(%d+))(k?)$")
    local waited = now - entry[2]
    if instance and waited <= tonumber(timeout) and is_listening(instance) then
      local waiter = { id = id, instance = instance, direct = kind == "d", kept = kept == "k", arrival = entry[2] + 0 }
      for name, value in pairs(target) do
        waiter[name] = value
      end
      waiter.states = nil
      waiter.permits, waiter.cost = min(tonumber(permits), target.policy.permits), tonumber(cost)
      if place == 0 then heads[target.waiters] = waiter end
      return waiter
    end
    call("ZREM", target.waiters, member)
    heads[target.waiters] = nil
  end
end

-- Whether the queue is full. Those in front that are gone make room.
local function is_queue_full(target)
  local most = target.policy.max_waiters
  if most < 0 or call("ZCARD", target.waiters) < most then return false end
  waiter_at(target, 0)
  return call("ZCARD", target.waiters) >= most
end

-- Serves the queue as far as permits and rates allow. A waiter holds no rate while it waits for a permit: where only
-- the rate of this key is missing, it hears when to ask again. One that waits for several limiters is called;
-- what it needs stays free for it, and those behind it get the rest. `asking` is answered anyway.
local function promote(target, asking)
  local place, reserved = 0, 0
  while place < FRONT and not target.quiet and permit_wait(target, reserved + 1) == 0 do
    local waiter = waiter_at(target, place)
    if not waiter or permit_wait(target, reserved + waiter.permits) > 0 then return end
    if not waiter.direct then
      if not waiter.kept and waiter.id ~= asking then tell("turn", waiter, { 0 }) end
      place, reserved = place + 1, reserved + waiter.permits
    else
      local at = plan(waiter)
      if at > now then
        if waiter.id ~= asking then tell("turn", waiter, { at - now }) end
        return
      end
      commit(waiter, now)
      leave(target, waiter.id)
      local reply = { 1, 0, 0 }
      local fence = grant(target, waiter.id, waiter.permits)
      levels(reply, waiter)
      permit_level(reply, waiter, fence)
      append_traces(reply, { waiter })
      tell("granted", waiter, reply)
    end
  end
end

-- Whether others stand in the way of `id`: those who came before it, and what is kept free for them. One that queues
-- elsewhere may have come before the first here.
local function is_behind(target, id, arrival)
  local reserved = 0
  for place = 0, FRONT - 1 do
    local waiter = waiter_at(target, place)
    if not waiter or waiter.id == id or (arrival > 0 and waiter.arrival > arrival) then return false end
    reserved = reserved + waiter.permits
    if waiter.direct or permit_wait(target, reserved + target.permits) > 0 then return true end
  end
  return true
end

-- µs after which `id`, which waits, should ask again if it was told nothing.
local function recheck(target, id)
  local reserved = 0
  for place = 0, FRONT - 1 do
    local waiter = waiter_at(target, place)
    if not waiter then return 0 end
    local own = waiter.id == id
    if own then waiter = target end
    local wait = permit_wait(target, reserved + waiter.permits)
    if wait > 0 then return min(wait, target.policy.lease_ttl) end
    if own or waiter.direct then
      local rate_wait = plan(waiter) - now
      return own and rate_wait or rate_wait + target.policy.lease_ttl
    end
    reserved = reserved + waiter.permits
  end
  return target.policy.lease_ttl
end
