-- A target: one key of one limiter, with the request to it. Its keys stand in KEYS in this order.
local function read_target()
  local policy = policies[number()]
  local cost, permits = number(), number()
  local target = {
    policy = policy,
    cost = cost,
    permits = permits,
    key = next_key(),
    rings = nil,
    leases = nil,
    waiters = nil,
    blocked = 0,
    states = nil,
  }
  if policy.rings > 0 then
    target.rings = {}
    for i, rate in ipairs(policy.rates) do
      if rate.ring then target.rings[i] = next_key() end
    end
  end
  if policy.permits > 0 then
    target.leases, target.waiters = next_key(), next_key()
  end
  for _, place in ipairs(policy.places or {}) do
    target.rings = target.rings or {}
    target.rings[place] = next_key()
  end
  return target
end
