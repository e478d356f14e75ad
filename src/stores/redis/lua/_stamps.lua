-- Instants as Redis takes them. Printing one takes as long as a command: those that come again are kept.
local function stamp(us)
  return format("%d", us)
end
local function end_text(policy)
  policy.end_text = policy.end_text or stamp(now + policy.lease_ttl)
  return policy.end_text
end

-- How a fencing token is stored.
local function fence_text(fence)
  return fence == now and "-" .. now_text or stamp(-fence)
end

-- A sorted set that must outlive `us` more microseconds. Never shortens what another configuration asked for. It is
-- given an eighth more, so that most calls find enough left.
local function keep(key, us)
  if call("PTTL", key) < ttl_ms(now + us) then call("PEXPIRE", key, ttl_ms(now + us + us / 8)) end
end
