-- Policies, and the states of their limits as they lie in Redis.
--
-- The main key of a limiter holds, after "b" and a double where it is blocked until an instant: for one token bucket
-- its decimal integer; for one exact sliding window its ring (which has the block in its header); otherwise the
-- letters of all limits and the packed states of those that are not rings. Those rings have keys of their own. The
-- letter of a token bucket is as many places after "t" as its remainder has digits: with others it is read as fresh.
local function read_policy()
  local policy = { lease_ttl = number(), slots = number(), rates = {}, shape = "", header = "", size = 0 }
  for i = 1, number() do
    local letter = text()
    policy.shape = policy.shape .. letter
    policy.rates[i] = kernels[letter].read()
    policy.rates[i].kernel = kernels[letter]
    policy.rates[i].ring = letter == "s"
    local digits = policy.rates[i].digits or 0
    policy.header = policy.header .. string.char(string.byte(letter) + digits)
    policy.size = policy.size + 1 + (letter == "s" and 0 or kernels[letter].size or 16 + digits)
  end
  return policy
end

local policies = {}
for i = 1, number() do
  policies[i] = read_policy()
end

-- A target: one key of one limiter, with what is asked of it. Its keys stand in KEYS in this order.
local function read_target()
  local target = { policy = policies[number()], cost = number(), slots = number(), key = next_key(), rings = {} }
  if target.policy.shape ~= "s" then
    for i, rate in ipairs(target.policy.rates) do
      if rate.ring then target.rings[i] = next_key() end
    end
  end
  if target.policy.slots > 0 then
    target.leases, target.waiters = next_key(), next_key()
  end
  return target
end

local function load(target)
  local policy = target.policy
  target.blocked, target.states = 0, {}
  if policy.shape == "s" then
    target.states[1] = ring_open(target.key)
    target.blocked = target.states[1].blocked
    return
  end
  local value = call("GET", target.key) or ""
  if sub(value, 1, 1) == "b" and #value > 8 then
    target.blocked = unpack_at("<d", value, 2)
    value = sub(value, 10)
  end
  if policy.shape == "t" then
    target.states[1] = kernels.t.decode(value, policy.rates[1])
    return
  end
  local known = sub(value, 1, #policy.header) == policy.header and #value == policy.size
  local cursor = #policy.shape + 1
  for i, rate in ipairs(policy.rates) do
    if rate.ring then
      target.states[i] = ring_open(target.rings[i])
    else
      local size = rate.kernel.size or 16 + rate.digits
      target.states[i] = known and rate.kernel.decode(sub(value, cursor, cursor + size - 1), rate)
        or rate.kernel.fresh()
      cursor = cursor + size
    end
  end
end

-- Writes what the main key holds. Rings that are not in it have been written by their kernel.
local function save(target)
  local policy = target.policy
  local until_us, value = target.blocked, ""
  if policy.shape == "s" then return end
  for i, rate in ipairs(policy.rates) do
    if not rate.ring then
      until_us = max(until_us, rate.kernel.fresh_from(target.states[i], rate))
      value = value .. rate.kernel.encode(target.states[i], rate)
    end
  end
  if policy.shape ~= "t" and value ~= "" then value = policy.header .. value end
  if target.blocked > now then value = "b" .. pack("<d", target.blocked) .. value end
  if value ~= "" then call("SET", target.key, value, "PX", ttl_ms(until_us)) end
end
