-- How long keys live.
local grace_ms, algorithms = ARGV[1] + 0, {}

-- Time to live for a key that matters until an instant. Expiry only reclaims memory.
local function ttl_ms(until_us)
  return max(ceil((until_us - now) / 1000), 1) + grace_ms
end

-- The same as Redis takes it.
local function life(until_us)
  return format("%.0f", ttl_ms(until_us))
end
