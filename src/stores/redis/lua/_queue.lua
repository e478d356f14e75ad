-- Hand-over: whoever frees a slot gives it to the first in the queue, and tells the process that waits.
local function tell(kind, instance, id, reply)
  local words = { kind, format("%.0f", now) }
  for i, value in ipairs(reply) do
    words[i + 2] = format("%.0f", value)
  end
  words[#words + 1] = id
  call("PUBLISH", channel .. instance, table.concat(words, " "))
end

-- The first in the queue, as a target of its own; those who gave up or whose process is gone are dropped.
local function head(target)
  while true do
    local first = call("ZRANGE", target.waiters, 0, 0, "WITHSCORES")
    local id = first[1]
    if not id then return nil end
    local instance, kind, timeout, slots, cost = string.match(id, "^(.-)%..-%.(.)%.(%d+)%.(%d+)%.(%d+)$")
    local waited = now - first[2]
    if instance and waited <= tonumber(timeout) and call("PUBSUB", "NUMSUB", channel .. instance)[2] > 0 then
      local waiter = { id = id, instance = instance, kind = kind }
      for name, value in pairs(target) do
        if name ~= "states" then waiter[name] = value end
      end
      waiter.slots, waiter.cost = min(tonumber(slots), target.policy.slots), kind == "t" and 1 or tonumber(cost)
      return waiter
    end
    call("ZREM", target.waiters, id)
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
      if waiter.id ~= asking then tell("turn", waiter.instance, waiter.id, { at - now }) end
      return
    end
    commit(waiter, now)
    call("ZREM", target.waiters, waiter.id)
    local reply = { 1, 0, 0 }
    local fence = grant(target, waiter.id, waiter.slots)
    levels(reply, waiter)
    slot_level(reply, waiter, fence)
    tell("granted", waiter.instance, waiter.id, reply)
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
