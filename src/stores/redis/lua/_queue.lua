-- The queue, and hand-over: whoever frees a slot gives it to the first in line, and tells the process that waits.

-- Whether nobody waits, which one command tells. Where there are no rates, it tells as well that there is no block.
local function look(target)
  local others = #target.policy.rates == 0 and call("EXISTS", target.waiters, target.key)
    or call("EXISTS", target.waiters)
  target.quiet = others == 0
  target.fresh = target.quiet and #target.policy.rates == 0
end

-- The first in line of each queue, as far as this batch knows it, and how a process hears of its waiters.
local heads, hears = {}, {}

-- A process that cannot subscribe has a mailbox: a list with an empty entry in front, which is there while the process
-- comes for its messages. What the caller's mailboxes hold goes into the reply.
local MAIL_MS = 5000
local function mailbox(instance)
  return channel .. "%" .. instance
end

local mail, mailboxes = { nil }, number()
for i = 1, mailboxes do
  local instance = text()
  local box = mailbox(instance)
  local messages = call("LRANGE", box, "0", "-1")
  hears[instance] = "caller"
  if #messages == 0 then
    call("RPUSH", box, "")
    mail[#mail + 1] = "gap " .. instance
  elseif #messages > 1 then
    call("LTRIM", box, "0", "0")
    for entry = 2, #messages do
      mail[#mail + 1] = messages[entry]
    end
  end
  call("PEXPIRE", box, MAIL_MS)
end

local function leave(target, id)
  heads[target.waiters] = nil
  return call("ZREM", target.waiters, id)
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

-- In a cluster, a mailbox may belong to another node, which counts as none.
local function has_mailbox(instance)
  return redis.pcall("EXISTS", mailbox(instance)) == 1
end

local function is_listening(instance)
  if hears[instance] == nil then
    local subscribed = call("PUBSUB", "NUMSUB", channel .. instance)[2] > 0
    hears[instance] = subscribed and "channel" or has_mailbox(instance) and "mailbox" or false
  end
  return hears[instance]
end

local function tell(kind, waiter, reply)
  local words = format(string.rep(" %.0f", 1 + #reply), now, unpack(reply))
  local message = kind .. words .. " " .. waiter.id
  local way = hears[waiter.instance]
  if way == "caller" then
    mail[#mail + 1] = message
  elseif way == "mailbox" then
    call("RPUSHX", mailbox(waiter.instance), message)
  else
    call("PUBLISH", channel .. waiter.instance, message)
  end
end

-- The first in the queue, as a target of its own; those who gave up or whose process is gone are dropped.
local function head(target)
  if target.quiet then return nil end
  local known = heads[target.waiters]
  if known and known.policy == target.policy then return known end
  while true do
    local first = call("ZRANGE", target.waiters, "0", "0", "WITHSCORES")
    local id = first[1]
    if not id then return nil end
    local instance, kind, timeout, slots, cost = string.match(id, "^(.-)%..-%.(.)%.(%d+)%.(%d+)%.(%d+)$")
    local waited = now - first[2]
    if instance and waited <= tonumber(timeout) and is_listening(instance) then
      local waiter = { id = id, instance = instance, kind = kind, arrival = first[2] + 0 }
      for name, value in pairs(target) do
        if name ~= "states" then waiter[name] = value end
      end
      waiter.slots, waiter.cost = min(tonumber(slots), target.policy.slots), kind == "t" and 1 or tonumber(cost)
      heads[target.waiters] = waiter
      return waiter
    end
    leave(target, id)
  end
end

-- Serves the queue as far as slots and rates allow. A waiter holds no rate while it waits for a slot, and no slot while
-- it waits for a rate: where only the rate is missing, it is told when to ask again. `asking` is answered anyway.
local function promote(target, asking)
  while true do
    local waiter = head(target)
    if not waiter or slot_wait(target, waiter.slots) > 0 then return end
    local at = plan(waiter)
    if at > now or waiter.kind == "t" then
      if waiter.id ~= asking then tell("turn", waiter, { at - now }) end
      return
    end
    commit(waiter, now)
    leave(target, waiter.id)
    local reply = { 1, 0, 0 }
    local fence = grant(target, waiter.id, waiter.slots)
    levels(reply, waiter)
    slot_level(reply, waiter, fence)
    tell("granted", waiter, reply)
  end
end

-- µs after which `id`, which waits, should ask again if it was told nothing.
local function recheck(target, id)
  local waiter = head(target)
  if not waiter then return 0 end
  local own = waiter.id == id
  if own then waiter = target end
  local wait = slot_wait(target, waiter.slots)
  if wait > 0 then return wait end
  local rate_wait = plan(waiter) - now
  return own and rate_wait or rate_wait + target.policy.lease_ttl
end
