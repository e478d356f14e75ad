-- Deciding over several limits at once: first look at all, then write all or nothing.

-- Loads a target and tells the earliest instant at which all of its limits agree.
local function plan(target)
  load(target)
  local at = max(now, target.blocked)
  local rates, states = target.policy.rates, target.states
  for i = 1, #rates do
    local rate = rates[i]
    at = max(at, rate.kernel.earliest(states[i], target.cost, rate))
  end
  return at
end

local function commit(target, at)
  local rates, states = target.policy.rates, target.states
  if #rates == 0 then return end
  for i = 1, #rates do
    local rate = rates[i]
    local state = rate.kernel.take(states[i], at, target.cost, rate)
    if state then states[i] = state end
  end
  save(target)
end

-- Appends where each limit of a target stands, two integers each.
local function levels(reply, target)
  local rates, states, last = target.policy.rates, target.states, #reply
  for i = 1, #rates do
    local rate = rates[i]
    reply[last + 1], reply[last + 2] = rate.kernel.measure(states[i], rate)
    last = last + 2
  end
end
