-- Deciding over several limits at once: first look at all, then write all or nothing.

-- Loads a target and tells the earliest instant at which all of its limits agree, and, unless it `charges` anyway, its block.
local function plan(target, charges)
  load(target)
  if target.is_new and not peeks then save(target) end
  local at = charges and now or max(now, target.blocked)
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
  if target.mixed then target.mixed.take(target, at) end
  target.traces = nil
  for i = 1, #rates do
    local rate = rates[i]
    local before = states[i]
    local state = rate.kernel.take(before, at, target.cost, rate)
    if state then states[i] = state end
    local trace = rate.kernel.trace and rate.kernel.trace(before, state, at)
    if trace then
      target.traces = target.traces or {}
      target.traces[i] = trace
    end
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

-- Appends, behind all levels, what marks of targets hold besides them: the place of the limit among all, five numbers.
local function append_traces(reply, targets)
  local place = 0
  for i = 1, #targets do
    local traces, rates = targets[i].traces, #targets[i].policy.rates
    for rate = 1, traces and rates or 0 do
      local trace = traces[rate]
      if trace then
        local last = #reply
        reply[last + 1] = place + rate - 1
        for part = 1, 5 do
          reply[last + 1 + part] = trace[part]
        end
      end
    end
    place = place + rates
  end
end
