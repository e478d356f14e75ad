-- Policies, and the states of their limits as they lie in Redis.
--
-- The main key of a limiter holds, after "b" and a double where it is blocked until an instant: for one token bucket
-- its decimal integer; for one exact sliding window its log (which has the block in its header); for most states of
-- several other limits what _packing.lua says; otherwise the letters of all limits and the packed states of those that are not logs. Those logs have keys of their own. Windows
-- have a letter of their own, and, where there are several limits, their length in 4 bytes in front: in front of what
-- version 0.1.0 wrote of them stood the letter of their policy. The
-- letter of a token bucket is as many places after "t" as its remainder has digits: with others it is read as fresh.
-- What a token bucket remembers besides its integer (_given_back.lua) stands behind that; where there are several
-- limits, after its length in a byte, and 128 is added to the letter.
--- @include _packing
--- @include _packed
local kernels = {}

local function read_policy()
  local policy = { lease_ttl = number(), slots = number(), max_waiters = number() }
  policy.rates, policy.shape, policy.header, policy.old, policy.rings = {}, "", "", "", 0
  for i = 1, number() do
    local letter = text()
    local kernel = kernels[letter] or algorithms[letter]()
    local rate = kernel.read()
    kernels[letter], rate.kernel, rate.letter, policy.rates[i] = kernel, kernel, letter, rate
    policy.shape = policy.shape .. letter
    local digits = rate.digits or 0
    local plain = letter == "t" and letter_of(digits) or letter
    policy.header, policy.old = policy.header .. (kernel.letter or plain), policy.old .. plain
    rate.size = rate.ring and 0 or letter == "t" and 16 + digits
    if rate.ring then policy.rings = policy.rings + 1 end
  end
  if policy.shape == "s" then policy.rings = 0 end
  if policy.rings == 0 and #policy.rates > 1 then policy.packing = packing_of(policy.rates) end
  return policy
end

--- @include _target

-- The digits of a token bucket that is alone in its key, as they would be without a mark.
local function plain_bucket(digits)
  if #digits == 18 and sub(digits, 1, 2) == FAR then return sub(digits, 3) end
  local stored = #digits == 16 and tonumber(digits)
  return stored and format("%016.0f", instant(stored)) or digits
end

-- Reads a token bucket that is alone in its key.
local function load_bucket(value, rate)
  local _, last = string.find(value, "^%d*")
  local digits = plain_bucket(sub(value, 1, last))
  local tail_to = #digits + #value - last
  local state = rate.kernel.decode(digits .. sub(value, last + 1), 1, #digits, rate, #digits + 1, tail_to)
  if last == 16 then state.reach = max(state.reach, mark_reach(tonumber(value) or 0)) end
  return state
end

local function without_128(letter)
  return string.char(string.byte(letter) - 128)
end

local function load_states(target)
  local policy = target.policy
  local rates = policy.rates
  target.blocked = 0
  if target.fresh then
    target.states = {}
    return
  end
  if policy.shape == "s" then
    local ring = rates[1].kernel.open(target.key, rates[1])
    target.blocked, target.states = ring.blocked, { ring }
    return
  end
  local value, states, cursor = call("GET", target.key), { nil }, 1
  local own = value and #rates > 1 and string.gsub(sub(value, 1, #rates), "[\128-\255]", without_128)
  if value and not (own and (own == policy.header or own == policy.old)) then
    target.blocked, cursor = block_of(value)
  end
  target.states = states
  if policy.shape == "t" then
    states[1] = load_bucket(sub(value or "", cursor), rates[1])
    return
  end
  local all = value and policy.packing and unpacked(value, cursor, policy.packing, rates)
  if all then
    target.states = all
    return
  end
  local count = #rates
  local stored = value and sub(value, cursor, cursor + count - 1)
  local letters = stored and string.gsub(stored, "[\128-\255]", without_128)
  local known = value and (letters == policy.header or letters == policy.old)
  local old = known and letters ~= policy.header
  cursor = cursor + count
  for i = 1, count do
    local rate = rates[i]
    local kernel = rate.kernel
    if rate.ring then
      states[i] = kernel.open(target.rings[i], rate)
    elseif known then
      local past = cursor + (rate.size or kernel.old_size)
      local tail_from, tail_to = 1, 0
      if stored ~= letters and string.byte(stored, i) >= 128 then
        tail_from, tail_to = past + 1, past + (string.byte(value, past) or 0)
        past = tail_to + 1
      end
      if not (rate.size or old) then
        past = #value + 1
        if count > 1 and cursor + 3 < past then
          past = min(cursor + 4 + unpack_at("<I4", value, cursor), past)
          cursor = cursor + 4
        end
      end
      -- What is too short, or too long at its end, was not written by this script.
      known = i < count and past <= #value + 1 or past == #value + 1
      local decode = old and kernel.decode_old or kernel.decode
      local last = tail_from > 1 and tail_from - 2 or past - 1
      states[i] = known and decode(value, cursor, last, rate, tail_from, tail_to) or kernel.fresh()
      cursor = past
    else
      states[i] = kernel.fresh()
    end
  end
end

-- The digits of a token bucket that is alone in its key, which must not read as marked.
local function far(digits)
  return #digits == 16 and digits >= "5" and FAR .. digits or digits
end

-- Writes what the main key holds. Rings that are not in it have been written by their kernel.
local function save(target)
  local policy = target.policy
  local rates, until_us, value, header = policy.rates, target.blocked, "", policy.header
  if policy.shape == "s" then return end
  local all = policy.packing and packed(target.states, policy.packing, rates)
  for i, rate in ipairs(rates) do
    if not rate.ring then
      until_us = max(until_us, rate.kernel.fresh_from(target.states[i], rate))
      local state = rate.kernel.encode(target.states[i], rate)
      if not rate.size and #rates > 1 then state = pack("<I4", #state) .. state end
      local tail = rate.kernel.encode_tail and rate.kernel.encode_tail(target.states[i], rate) or ""
      if tail ~= "" and #rates == 1 then state = far(state) .. tail end
      if tail ~= "" and #rates > 1 then
        state = state .. string.char(#tail) .. tail
        header = sub(header, 1, i - 1) .. string.char(string.byte(header, i) + 128) .. sub(header, i + 1)
      end
      value = value .. state
    end
  end
  if policy.shape ~= "t" and value ~= "" then value = header .. value end
  if policy.shape == "t" then value = far(value) end
  if all then value = all end
  if target.blocked > now then value = "b" .. pack("<d", target.blocked) .. value end
  local life = all and packed_life(policy.packing, until_us) or ttl_ms(until_us)
  if value ~= "" then call("SET", target.key, value, "PX", life) end
end
