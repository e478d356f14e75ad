-- Inputs in order of reading, and short names.
local call, sub, format = redis.call, string.sub, string.format
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
local pack, unpack_at = struct.pack, struct.unpack
local ARGV, KEYS = ARGV, KEYS

local arg_cursor, key_cursor = 0, 0
local function text()
  arg_cursor = arg_cursor + 1
  return ARGV[arg_cursor]
end
local function number()
  arg_cursor = arg_cursor + 1
  return ARGV[arg_cursor] + 0
end
local function next_key()
  key_cursor = key_cursor + 1
  return KEYS[key_cursor]
end

local grace_ms = number()

-- Time to live for a key that matters until an instant. Expiry only reclaims memory.
local function ttl_ms(until_us)
  return max(ceil((until_us - now) / 1000), 1) + grace_ms
end

-- How each algorithm counts, by the letter that stands for it in a policy. Its functions are made when a policy names
-- it: to make them all would take longer than a decision.
local algorithms = {}
