-- Policies, and the states of their limits as they lie in Redis.
--
-- The main key of a limiter holds, after "b" and a double where it is blocked until an instant: for one token bucket
-- its decimal integer; for most fixed windows another (_short_window.lua); for one exact
-- sliding window its log (which has the block in its header); for most states of several other limits what _packing.lua
-- says; otherwise the letters of all limits and the packed states of those that
-- are not logs. Those logs have keys of their own. Windows have a letter of their own, and, where there are several
-- limits, their length in 4 bytes in front: in front of what version 0.1.0 wrote of them stood the letter of their
-- policy. The letter of a token bucket is as many places after "t" as its remainder has digits: with others it is read
-- as fresh. What a token bucket remembers besides its integer (_given_back.lua) stands behind that; where there are
-- several limits, after its length in a byte, and 128 is added to the letter.
--
-- A value of that form is by the plain rules of its limiter, which the register knows (register.lua). What other rules
-- have to do with is read by `other_rules`, which the script defines.
--- @include _packing
--- @include _packed
--- @include _other_bucket
local kernels = {}

local function read_policy()
  local policy = { lease_ttl = number(), permits = number(), max_waiters = number() }
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
  -- 0 plain rules, 1 rules that are not plain; 2 more where no others were in use at an instant.
  local kind = #policy.rates == 0 and 0 or number()
  policy.plain, policy.alone_at = kind % 2 == 0, kind >= 2 and number() or 0
  if policy.plain then return policy end
  -- Which policies are the plain rules, and will be from an instant on; "0" is this one, "" is none.
  policy.plain_rules, policy.next_rules, policy.next_from, policy.places = text(), text(), number(), {}
  for i = 1, number() do
    policy.places[i] = number()
  end
  return policy
end

--- @include _target

-- The digits of a token bucket that is alone in its key, as they would be without a TTL tag.
local function plain_bucket(digits)
  if #digits == 18 and sub(digits, 1, 2) == NO_TAG then return sub(digits, 3) end
  local stored = #digits == 16 and tonumber(digits)
  return stored and format("%016.0f", instant(stored)) or digits
end

-- The digits that a token bucket alone in its key begins with, as they would be without a TTL tag, and where they end;
-- nil where a value is none.
local NO_INSTANT = 90 * ERA_US -- no such TTL tag is written, nor an instant so far away
local function bucket_digits(value)
  local _, last = string.find(value, "^%d*")
  if last < 16 or (last < #value and string.byte(value, last + 1) < 128) then return nil end
  local digits = sub(value, 1, last)
  if last == 16 and tonumber(digits) >= NO_INSTANT then return nil end
  digits = plain_bucket(digits)
  return tonumber(sub(digits, 1, 16)) < NO_INSTANT and digits, last
end

-- Reads a token bucket that is alone in its key; nil where it is none.
local function load_bucket(key, value, rate)
  if value == "" then return rate.kernel.fresh() end
  local digits, last = bucket_digits(value)
  if not digits or (#digits ~= rate.size and not may_be_bucket(key, digits)) then return nil end
  local tail_to = #digits + #value - last
  local state = rate.kernel.decode(digits .. sub(value, last + 1), 1, #digits, rate, #digits + 1, tail_to)
  if last == 16 then state.reach = max(state.reach, tag_reach(tonumber(value) or 0)) end
  return state
end

local function without_128(letter)
  return string.char(string.byte(letter) - 128)
end

-- Reads what is stored in plain form under the rules of a target. Whether it is that.
local function load_plain(target)
  local policy = target.policy
  local rates = policy.rates
  target.blocked = 0
  if policy.shape == "s" then
    local ring = rates[1].kernel.open(target.key, rates[1])
    target.blocked, target.states = ring.blocked, { ring }
    return not ring.foreign
  end
  local stored = call("GET", target.key)
  local value, states, cursor = stored or "", { nil }, 1
  local own = #rates > 1 and string.gsub(sub(value, 1, #rates), "[\128-\255]", without_128)
  if not (own and (own == policy.header or own == policy.old)) then
    target.blocked, cursor = block_of(value)
    if cursor > 10 then cursor = 1 end -- it was in front of a log
  end
  target.states = states
  if policy.shape == "t" then
    states[1] = stored ~= "" and load_bucket(target.key, sub(value, cursor), rates[1])
    return states[1]
  end
  if policy.shape == "f" and rates[1].factor > 0 and rates[1].kernel.is_short(sub(value, cursor)) then
    states[1] = rates[1].kernel.decode_short(sub(value, cursor), rates[1].factor)
    return true
  end
  local all = policy.packing and unpacked(value, cursor, policy.packing, rates)
  if all then
    target.states = all
    return true
  end
  local count = #rates
  local marked = sub(value, cursor, cursor + count - 1)
  local letters = string.gsub(marked, "[\128-\255]", without_128)
  local known = letters == policy.header or letters == policy.old
  local old = known and letters ~= policy.header
  if not known and (cursor <= #value or stored == "") then return false end
  cursor = cursor + count
  for i = 1, count do
    local rate = rates[i]
    local kernel = rate.kernel
    if rate.ring then
      states[i] = kernel.open(target.rings[i], rate)
      if states[i].foreign then return false end
    elseif known then
      local past = cursor + (rate.size or kernel.old_size)
      local tail_from, tail_to = 1, 0
      if marked ~= letters and string.byte(marked, i) >= 128 then
        tail_from, tail_to = past + 1, past + (string.byte(value, past) or 0)
        past = tail_to + 1
      end
      if not (rate.size or old) then
        past = #value + 1
        if count > 1 and cursor + 3 < past then
          past = min(cursor + 4 + unpack_at("<I4", value, cursor), past)
          cursor = cursor + 4
        end
        if past - cursor < 7 or unpack_at("<I7", value, cursor) ~= rate.window then return false end
        if kernel.head and not are_windows(past - cursor, kernel.head) then return false end
      end
      -- What is too short was not written by this script.
      if past > #value + 1 then return false end
      local decode = old and kernel.decode_old or kernel.decode
      local last = tail_from > 1 and tail_from - 2 or past - 1
      states[i] = decode(value, cursor, last, rate, tail_from, tail_to)
      cursor = past
    else
      states[i] = kernel.fresh()
    end
  end
  return not known or cursor == #value + 1 -- nor was what has more behind it
end

local function load_states(target)
  local policy = target.policy.written or target.policy
  target.policy, target.mixed, target.is_new = policy, nil, nil
  if #policy.rates == 0 then
    load_block(target) -- of coordinate.lua: no others decide about such policies
  elseif target.fresh then
    target.blocked, target.states = 0, {}
  elseif not (policy.plain and load_plain(target)) then
    other_rules(target)
  end
end

-- The digits of a token bucket that is alone in its key, which must not read as tagged.
local function far(digits)
  return #digits == 16 and digits >= "5" and NO_TAG .. digits or digits
end

-- Writes until when a key is blocked, beside states of other rules.
local function save_beside(target, value)
  if string.byte(target.rest, 1) == 83 and #target.rest > 53 then
    call("SETRANGE", target.key, "1", pack("<d", target.blocked))
  else
    call("SET", target.key, value .. target.rest, "KEEPTTL")
  end
  local ttl = ttl_ms(target.blocked)
  if call("PTTL", target.key) < ttl then call("PEXPIRE", target.key, ttl) end
end

-- Writes what the main key holds. Rings that are not in it have been written by their kernel.
local function save(target)
  local policy = target.policy
  local rates, until_us, value, header = policy.rates, target.blocked, "", policy.header
  if target.mixed then return target.mixed.save(target) end
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
  if #rates == 0 and target.rest ~= "" then return save_beside(target, value) end
  local life = all and packed_life(policy.packing, until_us) or ttl_ms(until_us)
  if value ~= "" then call("SET", target.key, value, "PX", life) end
end
