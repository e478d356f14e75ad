-- Taking rates and slots together.

-- Whether a target's slots, or others who came first, stand in the way of `id`. One that queues elsewhere may have come
-- before the first in line here.
local function is_full(target, id, arrival)
  if target.policy.slots == 0 then return false end
  if slot_wait(target, target.slots) > 0 then return true end
  local first = head(target)
  return first ~= nil and first.id ~= id and (arrival == 0 or first.arrival <= arrival)
end

local function take(id, mode, max_wait, arrival, targets)
  local at, blocked, full, queue = now, now, nil, nil
  for i = 1, #targets do
    local target = targets[i]
    local slotted = target.policy.slots > 0
    if slotted then
      look(target)
      if mode ~= "2" then promote(target, id) end
      queue = queue or target
    end
    at = max(at, plan(target))
    blocked = max(blocked, target.blocked)
    if not full and is_full(target, id, arrival) then full = target end
  end
  queue = full or queue
  local fences, status, wait = {}, 0, at - now
  local room = mode == "1" and at - now <= max_wait
  if not full and (at <= now or (room and not queue)) then
    status = 1
    if mode ~= "2" then
      for i = 1, #targets do
        local target = targets[i]
        commit(target, at)
        if target.policy.slots > 0 then
          if arrival > 0 then leave(target, id) end
          fences[i] = grant(target, id, target.slots)
        end
      end
    end
  elseif room then
    status = 3
    for _, target in ipairs(targets) do
      if arrival > 0 and target ~= queue and target.policy.slots > 0 then
        if leave(target, id) > 0 then promote(target) end
      end
    end
    arrival = enqueue(queue, id, arrival)
    wait = max(recheck(queue, id), #targets > 1 and wait or 0)
  elseif full then
    status = 4
    wait = max(wait, 1)
    for _, target in ipairs(targets) do
      if target.policy.slots > 0 then wait = max(wait, slot_wait(target, target.slots)) end
    end
  elseif blocked > now then
    status = 2
  end
  local reply = { status, wait, arrival, nil, nil, nil }
  for i = 1, #targets do
    levels(reply, targets[i])
    slot_level(reply, targets[i], fences[i])
  end
  return reply
end

-- The same for one that waits already: was it served meanwhile, and when should it ask again?
local function poll(id, arrival, target)
  promote(target, id)
  local reply = { 1, 0, arrival }
  local served = holds(target, id)
  if not served and not call("ZSCORE", target.waiters, id) then
    enqueue(target, id, arrival)
    promote(target, id)
    served = holds(target, id)
  end
  local fence
  -- Word of it may have been lost long ago: whoever hears it now holds for the full time from now on.
  if served then
    extend(target, id, target.slots)
    fence = next_fence(target)
    call("ZADD", target.leases, fence_text(fence), "#")
    books[target.leases].fence = fence
  else
    keep(target.waiters, max(4 * target.policy.lease_ttl, 60000000))
    reply[1], reply[2] = 3, recheck(target, id)
  end
  load(target)
  levels(reply, target)
  slot_level(reply, target, fence)
  return reply
end
