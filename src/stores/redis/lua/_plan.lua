-- Deciding over several limits at once: first look at all, then write all or nothing.

-- Loads a target and tells the earliest instant at which all of its limits agree.
local function plan(target)
  load(target)
  local at = max(now, target.blocked)
  for i, rate in ipairs(target.policy.rates) do
    at = max(at, rate.kernel.earliest(target.states[i], target.cost, rate))
  end
  return at
end

local function commit(target, at)
  if #target.policy.rates == 0 then return end
  for i, rate in ipairs(target.policy.rates) do
    local state = rate.kernel.take(target.states[i], at, target.cost, rate)
    if state then target.states[i] = state end
  end
  save(target)
end

-- Appends where each limit of a target stands, two integers each.
local function levels(reply, target)
  for i, rate in ipairs(target.policy.rates) do
    local first, second = rate.kernel.measure(target.states[i], rate)
    reply[#reply + 1] = first
    reply[#reply + 1] = second
  end
end

--- @include _guarded
