-- Requests that correct a state, for coordinate.lua.
-- A correction of each rate, then the levels: `change` returns the new state, or nil where it has written it.
local function corrected(targets, change, change_others)
  local reply = {}
  for _, target in ipairs(targets) do
    load(target)
    if target.mixed and change_others then change_others(target) end
    for i, rate in ipairs(target.policy.rates) do
      target.states[i] = change(rate, target.states[i], target, i) or target.states[i]
    end
    save(target)
    levels(reply, target)
  end
  return reply
end

function requests.G()
  local targets = {}
  for i = 1, number() do
    local target = read_target()
    local mark_now, mark_at, mark_cost = number(), number(), number()
    target.marks = {}
    for rate = 1, #target.policy.rates do
      local mark = { now = mark_now, at = mark_at, cost = mark_cost, first = number(), second = number() }
      for part = 1, number() do
        mark.trace = mark.trace or {}
        mark.trace[part] = number()
      end
      target.marks[rate] = mark
    end
    targets[i] = target
  end
  return corrected(targets, function(rate, state, target, i)
    return give_back[rate.letter](state, target.cost, target.marks[i], rate)
  end)
end

function requests.F()
  return corrected(read_targets(), function(rate, state, target)
    return refund[rate.letter](state, target.cost, rate)
  end, mixed.refund)
end

-- How often fits is searched for: a take of so much at once fits exactly where so many single ones do.
function requests.L()
  local times, target = number(), read_targets()[1]
  local cost, low, high = target.cost, 0, times
  while low < high do
    local middle = ceil((low + high) / 2)
    target.cost = cost * middle
    if plan(target) <= now then
      low = middle
    else
      high = middle - 1
    end
  end
  target.cost = cost * max(low, 1)
  local at = plan(target)
  if low > 0 then commit(target, now) end
  local reply = { low > 0 and 1 or target.blocked > now and 2 or 0, low > 0 and 0 or at - now, low }
  levels(reply, target)
  append_traces(reply, { target })
  return reply
end

-- A block does not move what is charged: it may be lifted before it ends. Nothing is charged for a time after the
-- year 2184. Behind the levels, the reply says for each target whether it was charged.
function requests.X()
  local reply, charged = {}, {}
  for i, target in ipairs(read_targets()) do
    local at = plan(target, true)
    charged[i] = at <= 2 ^ 53 - 2 ^ 51 and 1 or 0
    if charged[i] == 1 then commit(target, at) end
    levels(reply, target)
  end
  for _, count in ipairs(charged) do
    reply[#reply + 1] = count
  end
  return reply
end

-- The targets of a correction that other processes hear of, each with its name there.
local function read_named_targets(with_leases)
  local targets, names = {}, {}
  for i = 1, number() do
    local target = read_target()
    if with_leases then target.leases = target.leases or next_key() end
    targets[i], names[i] = target, text()
  end
  return targets, names
end

-- Tells all processes in which calls wait for a rate. Without the right to do so, the correction stands all the same.
local function announce(op, target, stays, from, name)
  if from == "" or #target.policy.rates == 0 then return end
  redis.pcall("PUBLISH", channel .. "~", format("%s %.0f %.0f %s %s", op, now, stays, from, name))
end

function requests.B()
  local duration, keep_longer, from, reply = number(), number() == 1, text(), {}
  local targets, names = read_named_targets()
  for i, target in ipairs(targets) do
    load(target)
    local ends = duration > 0 and now + duration or 0
    if not keep_longer or ends > target.blocked then target.blocked = ends end
    if target.policy.shape == "s" then
      target.states[1].blocked = target.blocked
      logs.block(target.states[1], target.policy.rates[1])
    elseif target.blocked == 0 and target.policy.rings == #target.policy.rates then
      -- Its rings have keys of their own: there is nothing else in this one.
      call("DEL", target.key)
    else
      save(target)
    end
    if duration == 0 and target.policy.permits > 0 then
      promote(target)
      load(target)
    end
    announce("block", target, keep_longer and duration or -1, from, names[i])
    levels(reply, target)
  end
  return reply
end

-- Buckets that know that what was taken before a reset cannot be given back. What cannot be read is reset all the same, and
-- what is counted by several rules begins anew for each of them.
local function restarted(target)
  local states = {}
  if not pcall(load, target) or target.mixed then return states end
  for i, rate in ipairs(target.policy.rates) do
    if rate.letter == "t" then states[i] = given_back().restart(target.states[i], rate) end
  end
  return states
end

local function keep_restarted(target, states)
  if not next(states) then return end
  load(target)
  for i, state in pairs(states) do
    target.states[i] = state
  end
  save(target)
end

function requests.Z()
  local from, reply = text(), {}
  local targets, names = read_named_targets(true)
  for i, target in ipairs(targets) do
    local states = restarted(target)
    call("DEL", target.key)
    for _, key in pairs(target.rings or {}) do
      call("DEL", key)
    end
    keep_restarted(target, states)
    if target.policy.permits > 0 then
      call("ZREMRANGEBYSCORE", target.leases, "1", "+inf") -- the last fencing token stays
      books[target.leases] = nil
      promote(target)
    else
      -- Other rules of the limiter may have permits, and this user no right to them.
      redis.pcall("ZREMRANGEBYSCORE", target.leases, "1", "+inf")
      books[target.leases] = nil
    end
    announce("reset", target, -1, from, names[i])
    load(target)
    levels(reply, target)
  end
  return reply
end
