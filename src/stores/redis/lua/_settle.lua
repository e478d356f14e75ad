-- The states of a target as every request finds them: what cannot come from this clock, because it stepped back, is
-- corrected. That is written whatever is decided, or it would be corrected to another instant each time; but not by a
-- peek: `peeks` says whether the request is one.
local function load(target)
  load_states(target)
  local rates, states, stepped = target.policy.rates, target.states, false
  for i = 1, #rates do
    local rate, state = rates[i], states[i]
    states[i] = rate.kernel.settle(state, rate, peeks)
    stepped = stepped or states[i] ~= state
  end
  if stepped and not peeks then save(target) end
end
