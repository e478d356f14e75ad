--[[
Decides a batch of requests over one token bucket or one fixed window each, beside other rules: as coordinate.lua does, in
a fraction of the time. It knows keys whose values have one such limit for each of the rules (_mixed.lua), of which
nothing was given back and no instant is promised, keys that are not there, and, of the rules themselves, usual plain
values. All other keys it leaves to coordinate.lua.

KEYS     the main key of each entry, group by group
ARGV     grace in ms, added to every time to live; of tests "@now grace" (_clock.lua)
         each group: 1 if it peeks, or 0, its number of entries, cost, the longest wait µs, 1 if no other rules are in use,
           or 0, the rules, and the plain ones of the limiter, both as decide.lua reads a limit; in place of the plain
           ones "=" where they are the same, "" where they are not known

Returns  { now, entry... }; after the decision, a bucket is µs and remainder until it is full, a window is units
         in use and µs until none is: both numbers, or, where it was denied, -1 - the first, the second, and µs until it
         is allowed
         in place of an entry that failed stands its message, RULES of one that is left
]]
--- @include _clock
local try, tonumber, pack, unpack_at = redis.pcall, tonumber, struct.pack, struct.unpack
--- @include _take_head
local char, find, grace_ms, cursor = string.char, string.find, ARGV[1] + 0, 1
local SPAN_US, STAMP_US = 2 ^ 48, 2 ^ 23
--- @include _put
--- @include _instant

local function text()
  cursor = cursor + 1
  return ARGV[cursor]
end
local function number()
  return text() + 0
end

-- Reads what `put` wrote. Returns the number, nil where the value ends, and the place behind it.
local function number_at(value, at)
  local sum, factor, group = 0, 1, byte(value, at)
  while group and group >= 128 do
    sum, factor, at = sum + (group - 128) * factor, factor * 128, at + 1
    group = byte(value, at)
  end
  return group and sum + group * factor, at + 1
end

-- The limits that this call knows, by what stands in front of their states.
local known = {}
local function know(limit)
  for i = 1, #known do
    if known[i].tag == limit.tag then return known[i] end
  end
  known[#known + 1] = limit
  return limit
end

-- What units take to be refilled.
local function span(units, limit)
  local rem = units * limit.rem
  local carry = floor(rem / limit.denominator)
  return units * limit.us + carry, rem - carry * limit.denominator
end

local function bucket(denominator, us, rem, units)
  local limit = { letter = "t", denominator = denominator, us = us, rem = rem, capacity = units }
  limit.tag = "t" .. put(denominator) .. put(us) .. (denominator > 1 and put(rem) or "") .. put(units)
  limit.burst_us, limit.burst_rem = span(units, limit)
  return limit
end

-- A limit as it stands in ARGV, behind its letter; nil where this script does not know its algorithm.
local function read_limit(letter)
  if letter == "f" then
    -- What follows them is about values in plain form, which coordinate.lua reads.
    local units, length, _ = number(), number(), number()
    return know({ letter = "f", window = length, tag = "f" .. put(length) }), units
  elseif letter == "t" then
    local us, rem, denominator, burst_us, burst_rem = number(), number(), number(), number(), number()
    local units = floor((burst_us + burst_rem / denominator) / (us + rem / denominator) + 0.5)
    local limit = know(bucket(denominator, us, rem, units))
    limit.digits = number()
    return limit, units
  end
end

-- A limit as it stands in a value. Nil where it is none that this script knows.
local function limit_at(value, at)
  for i = 1, #known do
    local limit = known[i]
    if sub(value, at, at + #limit.tag - 1) == limit.tag then return limit end
  end
  local letter = byte(value, at)
  local first, next = number_at(value, at + 1)
  if letter == 102 then return first and know({ letter = "f", window = first, tag = "f" .. put(first) }) end
  if letter ~= 116 or not first then return nil end
  local us, rem, units = 0, 0, 0
  us, next = number_at(value, next)
  if first > 1 then
    rem, next = number_at(value, next)
  end
  units = number_at(value, next)
  return us and rem and units and know(bucket(first, us, rem, units))
end

-- The limits of a key, in the order of its sections, and their states: of a bucket its instant and its remainder, of a
-- window its start and its count.
local count, limits, firsts, seconds = 0, {}, {}, {}
local function add(limit, first, second)
  count = count + 1
  limits[count], firsts[count], seconds[count] = limit, first, second
  -- What is promised, or lies ahead because the clock stepped back, is left.
  if limit.letter == "f" then return first <= now end
  local most_us = now + limit.burst_us
  return limit.burst_us < SPAN_US / 8 and (first < most_us or (first == most_us and second <= limit.burst_rem))
end

-- Reads the sections of a value. Whether it knows them all.
local function read_sections(value)
  local at, last_us, size = 3, nil, #value
  while at <= size do
    local limit, first, second = limit_at(value, at), nil, 0
    if not limit then return false end
    at = at + #limit.tag
    if limit.letter == "f" then
      local windows = byte(value, at)
      if windows == 0 then
        first, at = 0, at + 1
      elseif windows == 1 and at + 11 <= size then
        first, second = unpack_at("<I7I4", value, at + 1)
        at = at + 12
      end
    elseif last_us then
      local later
      later, at = number_at(value, at)
      first = later and last_us + (later % 2 == 0 and later or 1 - later) / 2
    elseif at + 5 <= size then
      first = now - now % SPAN_US + unpack_at("<I6", value, at)
      if first > now + SPAN_US / 2 then first = first - SPAN_US end
      if first < now - SPAN_US / 2 then first = first + SPAN_US end
      at = at + 6
    end
    if limit.letter == "t" then
      last_us = first
      if limit.denominator > 1 then
        second, at = number_at(value, at)
        second = second and min(second, limit.denominator - 1)
      end
    end
    if not (first and second and add(limit, first, second)) then return false end
  end
  return count > 0
end

-- Reads a value of a limit itself in plain form; `plain` says that those of buckets are its own. Whether it is that.
local function read_plain(value, limit, plain)
  if limit.letter == "f" then
    if #value ~= 19 or byte(value, 1) ~= 70 then return false end
    local length, start, units = unpack_at("<I7I7I4", value, 2)
    return length == limit.window and add(limit, start, units)
  end
  if not plain or #value ~= 16 + limit.digits or not find(value, "^%d+$") then return false end
  local stored = tonumber(sub(value, 1, 16))
  if limit.digits > 0 then return add(limit, stored, min(sub(value, 17) + 0, limit.denominator - 1)) end
  return stored < LEAST_TAGGED + REACH_US and add(limit, instant(stored), 0)
end

-- The state of a section after a take, which is not asked whether it fits.
local function taken(limit, first, second, units)
  if limit.letter == "f" then
    if now < first + limit.window then return first, second + units end
    return now, units
  end
  local us, rem = span(min(units, limit.capacity), limit)
  if first < now - 1 or (first < now and second == 0) then
    first, second = now, 0
  end
  us, rem = first + us, second + rem
  if rem >= limit.denominator then
    us, rem = us + 1, rem - limit.denominator
  end
  return us, rem
end

-- Puts a section behind a text. Returns that, the instant of its last bucket, and until when it matters.
local function section(text, last_us, limit, first, second)
  text = text .. limit.tag
  if limit.letter == "f" then
    if first == 0 then return text .. "\0", last_us, 0 end
    return text .. "\1" .. pack("<I7I4", first, second), last_us, first + limit.window
  end
  -- How long a bucket has been full makes no difference.
  local us = max(first, now - 1e12)
  if last_us then
    local later = us - last_us
    text = text .. put(later >= 0 and 2 * later or 1 - 2 * later)
  else
    text = text .. pack("<I6", us % SPAN_US)
  end
  return limit.denominator > 1 and text .. put(second) or text, us, first + 2
end

local replies, place, refused = { now }, 1, nil

local function tell(first, second, wait)
  replies[place + 1], replies[place + 2], place = first, second, place + 2
  if wait then
    place = place + 1
    replies[place] = wait
  end
end

-- Where a limit stands.
local function level(limit, first, second)
  if limit.letter == "t" then
    if first < now then return 0, 0 end
    return first - now, second
  end
  local reset = first + limit.window - now
  if reset <= 0 then return 0, 0 end
  return second, reset
end

local own, capacity, plain, cost, max_wait, peeks, alone = nil, 0, nil, 0, 0, false, false

-- Decides an entry. Returns what stands in its place where it does not tell itself.
local function decide(key)
  local value = try("GET", key)
  if type(value) == "table" then return value.err end
  count = 0
  local stamp = floor(now / STAMP_US) % 256
  if not value then
    if not alone and plain ~= "=" and not plain then return "RULES" end
    add(own, 0, 0)
    if not alone and plain ~= "=" then add(plain, 0, 0) end
  elseif byte(value, 1) == 77 then
    if not read_sections(value) then return "RULES" end
  elseif not read_plain(value, own, plain == "=") then
    return "RULES"
  end
  local mine = 1
  while mine <= count and limits[mine] ~= own do
    mine = mine + 1
  end
  -- What others count is kept or dropped there.
  if mine > count or (alone and count > 1) then return "RULES" end

  local first, second, wait = firsts[mine], seconds[mine], 0
  local next_first, next_second = taken(own, first, second, cost)
  if own.letter == "f" then
    if next_first == first and next_second > capacity then wait = first + own.window - now end
  else
    wait = next_first - own.burst_us - now
    if next_second > own.burst_rem then wait = wait + 1 end
  end
  if wait > 0 then
    if wait <= max_wait then return "RULES" end
    local a, b = level(own, first, second)
    return tell(-1 - a, b, wait)
  end
  if peeks then return tell(level(own, first, second)) end

  local text, last_us, until_us = section("M" .. char(stamp), nil, own, next_first, next_second)
  for i = 1, count do
    if i ~= mine then
      local limit, ends = limits[i], nil
      local us, rem = taken(limit, firsts[i], seconds[i], cost)
      local most_us = limit.letter == "t" and now + limit.burst_us
      if most_us and (us > most_us or (us == most_us and rem > limit.burst_rem)) then
        us, rem = most_us, limit.burst_rem
      end
      text, last_us, ends = section(text, last_us, limit, us, rem)
      until_us = max(until_us, ends)
    end
  end
  local life = max(ceil((until_us - now) / 1000), 1) + grace_ms
  local done = try("SET", key, text, "PX", format("%.0f", life))
  if done.err then return done.err end
  return tell(level(own, next_first, next_second))
end

local last = 0
while last < #KEYS do
  local flags, first = number(), last + 1
  last = min(last + number(), #KEYS)
  peeks, cost, max_wait, alone = flags == 1, number(), number(), number() == 1
  own, capacity = read_limit(text())
  plain = text()
  if plain ~= "=" then plain = read_limit(plain) end
  for i = first, last do
    local failure = decide(KEYS[i])
    if failure then
      -- Of a server that is no primary any more all fails: the client must look for the new one.
      if find(failure, "READONLY", 1, true) then refused = failure end
      place = place + 1
      replies[place] = failure
    end
  end
end
return refused and redis.error_reply(refused) or replies
