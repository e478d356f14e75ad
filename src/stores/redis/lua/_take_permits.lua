-- Taking rates and permits together.

-- Whether permits, or others who came first, stand in the way of `id`.
local function is_full(target, id, arrival)
  if target.policy.permits == 0 then return false end
  return permit_wait(target, target.permits) > 0 or is_behind(target, id, arrival)
end

-- In which order a call over several limiters gets its permits: the scarce ones first. What it has a place for there
-- is kept for it while it waits for the others, never the other way round: so few callers wait for many, and not many
-- for few.
local function is_before(one, other)
  local few, many = one.policy.permits, other.policy.permits
  return few < many or (few == many and one.key < other.key)
end

-- Queues for the permit that is missing, where `full` says which, and nowhere else. Others may be served where it leaves
-- a queue, and take from the rates there. Returns a status, how long until the call should ask again, and its arrival.
local function wait_in_line(id, arrival, targets, full, rate_wait)
  local lacks_rate = #targets > 1 and rate_wait > 0
  local queue = not lacks_rate and (full or targets[1])
  if queue and arrival == 0 and is_queue_full(queue) then return 5, max(rate_wait, 1), 0 end
  for _, target in ipairs(targets) do
    if arrival > 0 and target ~= queue and target.policy.permits > 0 then
      if queue and is_before(target, queue) then
        keep_place(target, id, arrival)
      elseif leave(target, id) > 0 then
        promote(target)
        load(target)
      end
    end
  end
  if not queue then return 3, rate_wait, arrival == 0 and now or arrival end
  if arrival > 0 then leave(queue, id) end
  arrival = enqueue(queue, id, arrival)
  return 3, recheck(queue, id), arrival
end

-- Holds on for one that was served before: word of it may have been lost long ago. Returns a new fencing token.
local function hold_on(target, id)
  extend(target, id, target.permits)
  local fence = next_fence(target)
  call("ZADD", target.leases, fence_text(fence), "#")
  books[target.leases].fence = fence
  return fence
end

-- The answer to a call that has what it asks for: the reply that told so may be lost. Nothing is taken again.
local function taken_before(id, arrival, targets)
  for _, target in ipairs(targets) do
    if target.policy.permits > 0 and not holds(target, id) then return end
  end
  local reply = { 6, 0, arrival }
  for _, target in ipairs(targets) do
    local fence
    if target.policy.permits > 0 then
      look(target)
      fence = hold_on(target, id)
    end
    load(target)
    levels(reply, target)
    permit_level(reply, target, fence)
  end
  return reply
end

local function take(id, mode, max_wait, arrival, targets)
  peeks = mode == "2"
  if refused and not peeks then error(refused, 0) end
  local before = arrival > 0 and mode ~= "2" and taken_before(id, arrival, targets)
  if before then return before end
  local at, blocked, full, holds_none = now, now, nil, true
  for i = 1, #targets do
    local target = targets[i]
    if target.policy.permits > 0 then
      holds_none = false
      look(target)
      if mode ~= "2" then
        promote(target, id)
        cut_leases(target)
      end
    end
    at = max(at, plan(target))
    blocked = max(blocked, target.blocked)
    if is_full(target, id, arrival) and (not full or is_before(target, full)) then full = target end
  end
  local fences, status, wait = {}, 0, at - now
  local room = mode == "1" and at - now <= max_wait
  if not full and (at <= now or (room and holds_none)) then
    status = 1
    if mode ~= "2" then
      for i = 1, #targets do
        local target = targets[i]
        commit(target, at)
        if target.policy.permits > 0 then
          if arrival > 0 then leave(target, id) end
          fences[i] = grant(target, id, target.permits)
        end
      end
    end
  elseif room then
    status, wait, arrival = wait_in_line(id, arrival, targets, full, wait)
  elseif full then
    status = 4
    wait = max(wait, 1)
  elseif blocked > now then
    status = 2
  end
  if status > 3 then
    for _, target in ipairs(targets) do
      if target.policy.permits > 0 then wait = max(wait, permit_wait(target, target.permits)) end
    end
  end
  local reply = { status, wait, arrival, nil, nil, nil }
  for i = 1, #targets do
    levels(reply, targets[i])
    permit_level(reply, targets[i], fences[i])
  end
  for i = 1, status == 2 and #targets > 1 and #targets or 0 do
    reply[#reply + 1] = max(targets[i].blocked - now, 0)
  end
  append_traces(reply, targets)
  return reply
end

-- The same for one that waits already: was it served meanwhile, and when should it ask again? 7 and 8 are 1 and 3 of one
-- whose place was lost: the key was deleted, or evicted, or its server began anew.
local function poll(id, arrival, target)
  -- The marks of an earlier grant came with word of it.
  local reply = { holds(target, id) and 6 or 1, 0, arrival }
  promote(target, id)
  local served = holds(target, id)
  local is_lost = not served and not call("ZSCORE", target.waiters, id)
  if is_lost then
    enqueue(target, id, arrival)
    promote(target, id)
    served = holds(target, id)
    reply[1] = 7
  end
  local fence
  if served then
    fence = hold_on(target, id)
  else
    keep(target.waiters, max(4 * target.policy.lease_ttl, 60000000))
    cut_leases(target)
    reply[1], reply[2] = is_lost and 8 or 3, recheck(target, id)
  end
  load(target)
  levels(reply, target)
  permit_level(reply, target, fence)
  return reply
end
