-- Keys that rules of several kinds have to do with, as in a rolling deploy. Made when one is met, which is rare.
--
-- The value begins with "M", and a byte for when it was written last by a process that knew of other rules in use, in
-- units of 8.4 s. Then come sections, the one of the rules that wrote last in front: the number of limits,
-- if there are several; for each its letter and its numbers (a token bucket: denominator, interval, the rest of that,
-- capacity; a window: its length and, of a counter, the step) and its state. Every section counts every unit, by
-- whatever rules it was taken, so each process decides by its own rules over all that was taken. A section is made
-- from another one when its rules first meet the key, and that is noted, even where they deny: else the units would
-- seem to be taken later and later.
--
-- Numbers are written in groups of seven bits, lowest first, 128 added to all but the last; a rest stands where the
-- denominator is more than 1. A state is: of a token bucket its instant and its rest, and, behind its length, what
-- _given_back.lua writes, in which case the letter is "u"; of windows their number and 11 bytes for each, behind what
-- fades of a counter; of an exact sliding window ("l" here, and in no key of its own) the promised instant and, unless
-- it is 0, its reach, the number of runs, and of each the instant and the units. Of the instant of the first bucket,
-- 48 bits are kept; the others are stored as how much later they are, doubled, or how much earlier, doubled and 1 more.

--- @include _run_list
--- @include _take_over

local byte, char = string.byte, string.char
local MOST_SECTIONS, MOST_RUNS, STAMP_US = 4, 512, 2 ^ 23

local SPAN_US = 2 ^ 48

--- @include _put

-- Reads what `put` wrote, byte by byte, from a place on.
local function reader(value, cursor)
  local self = {}
  function self.byte()
    cursor = cursor + 1
    return byte(value, cursor - 1) or error(FOREIGN, 0)
  end
  function self.number()
    local number, factor = 0, 1
    while true do
      local group = self.byte()
      number = number + group % 128 * factor
      if group < 128 then return number end
      factor = factor * 128
    end
  end
  function self.bytes(size)
    cursor = cursor + size
    if cursor > #value + 1 then error(FOREIGN, 0) end
    return sub(value, cursor - size, cursor - 1)
  end
  function self.skips(text)
    local found = sub(value, cursor, cursor + #text - 1) == text
    if found then cursor = cursor + #text end
    return found
  end
  function self.ends()
    return cursor > #value
  end
  return self
end

function section_numbers.t(rate, each)
  rate.denominator, rate.interval_us = each(rate.denominator), each(rate.interval_us)
  rate.interval_rem = rate.denominator > 1 and each(rate.interval_rem) or 0
  rate.capacity = each(rate.capacity)
end
function section_numbers.f(rate, each)
  rate.window = each(rate.window)
end
section_numbers.l = section_numbers.f
function section_numbers.c(rate, each)
  rate.window, rate.step = each(rate.window), each(rate.step)
end

-- A limit as sections have it: with what it is written as, and without a key of its own.
local function section_rate(letter, rate)
  local kind = letter == "s" and "l" or letter
  local own = {}
  for name, part in pairs(rate) do
    own[name] = part
  end
  own.letter, own.kernel, own.ring = kind, run_list, nil
  if kind ~= "l" then
    kernels[kind] = kernels[kind] or algorithms[kind]()
    own.kernel = kernels[kind]
  end
  if kind == "t" then
    if not own.capacity then own.capacity = units_in({ us = own.burst_us, rem = own.burst_rem }, own) end
    local full = span(own.capacity, own)
    own.burst_us, own.burst_rem = full.us, full.rem
  end
  own.tag = kind
  section_numbers[kind](own, function(number)
    own.tag = own.tag .. put(number)
    return number
  end)
  return own
end

local function tag_of(rates)
  local tag = ""
  for i = 1, #rates do
    tag = tag .. rates[i].tag
  end
  return tag
end

-- A policy as sections have it.
local function twin_of(policy)
  if policy.twin then return policy.twin end
  local twin = {}
  for name, part in pairs(policy) do
    twin[name] = part
  end
  twin.written, twin.rates = policy, {}
  for i, rate in ipairs(policy.rates) do
    twin.rates[i] = section_rate(rate.letter, rate)
  end
  twin.shape, twin.rings, twin.tag = "M", 0, tag_of(twin.rates)
  policy.twin = twin
  return twin
end

-- Windows as they are stored.
local function windows_with_reach(bytes, previous)
  local windows, reach = stored_windows(bytes, 1, #bytes)
  return { windows = windows, reach = reach, previous = previous }
end

-- Whether a bucket has more than its instant.
local function has_tail(state)
  return state.back or state.promised or state.reach > 0
end

function read_state.t(from, limit, has_tail)
  local us
  if from.last_us then
    local later = from.number()
    us = from.last_us + (later % 2 == 0 and later or 1 - later) / 2
  else
    us = now - now % SPAN_US + unpack_at("<I6", from.bytes(6))
    if us > now + SPAN_US / 2 then us = us - SPAN_US end
    if us < now - SPAN_US / 2 then us = us + SPAN_US end
  end
  from.last_us = us
  local state = { us = us, rem = 0, reach = 0 }
  if limit.denominator > 1 then state.rem = min(from.number(), limit.denominator - 1) end
  if has_tail then
    local tail = from.bytes(from.byte())
    given_back().read(tail, 1, #tail, state, limit)
  end
  return state
end

function read_state.f(from)
  local windows = from.bytes(WINDOW_SIZE * from.number())
  return windows_with_reach(windows)
end

function read_state.c(from)
  local previous = from.number()
  return windows_with_reach(from.bytes(WINDOW_SIZE * from.number()), previous)
end

function read_state.l(from)
  local list = { promised = from.number(), reach = 0, runs = {} }
  if list.promised > 0 then list.reach = from.number() end
  for i = 1, from.number() do
    list.runs[i] = { at = unpack_at("<I7", from.bytes(7)), units = from.number() }
  end
  return list
end

function written_state.t(state, limit, value)
  local tail = has_tail(state) and given_back().written(state, limit) or ""
  -- How long a bucket has been full makes no difference.
  local us, text = max(state.us, now - 1e12), nil
  if value.last_us then
    local later = us - value.last_us
    text = put(later >= 0 and 2 * later or 1 - 2 * later)
  elseif us - now >= SPAN_US / 2 then
    error("ERR the units would be taken years ahead", 0)
  else
    text = pack("<I6", us % SPAN_US)
  end
  value.last_us = us
  text = text .. (limit.denominator > 1 and put(state.rem) or "")
  return tail == "" and text or text .. char(#tail) .. tail
end

function written_state.f(state)
  return put(window_count(state.windows)) .. windows_to_store(state)
end

function written_state.c(state)
  return put(state.previous) .. put(window_count(state.windows)) .. windows_to_store(state)
end

function written_state.l(list)
  -- So many runs that the work stays small: of two neighbours, the earlier units count as taken with the later ones.
  while #list.runs > MOST_RUNS do
    local merged = {}
    for i = 1, #list.runs, 2 do
      local one, other = list.runs[i], list.runs[i + 1]
      merged[#merged + 1] = other and { at = other.at, units = one.units + other.units } or one
    end
    list.runs = merged
  end
  local parts = { put(list.promised) .. (list.promised > 0 and put(list.reach) or ""), put(#list.runs) }
  for _, run in ipairs(list.runs) do
    parts[#parts + 1] = pack("<I7", run.at) .. put(run.units)
  end
  return table.concat(parts)
end

local function write_section(value, section)
  if #section.rates > 1 then value.text = value.text .. char(#section.rates) end
  for i, rate in ipairs(section.rates) do
    local state, tag = section.states[i], rate.tag
    if rate.letter == "t" and has_tail(state) then tag = "u" .. sub(tag, 2) end
    value.text = value.text .. tag .. written_state[rate.letter](state, rate, value)
  end
end

-- The rules that this call has read before: most keys have to do with the same ones.
local known_rates = {}

local function read_rate(from, kind)
  for i = 1, #known_rates do
    local rate = known_rates[i]
    if rate.letter == kind and from.skips(rate.behind_letter) then return rate end
  end
  local numbers = {}
  if not section_numbers[kind] then error(FOREIGN, 0) end
  section_numbers[kind](numbers, from.number)
  local rate = section_rate(kind, numbers)
  rate.behind_letter = sub(rate.tag, 2)
  known_rates[#known_rates + 1] = rate
  return rate
end

local function read_sections(value, cursor)
  local from, sections = reader(value, cursor), {}
  if from.ends() then error(FOREIGN, 0) end
  while not from.ends() do
    local section, first = { rates = {}, states = {} }, from.byte()
    for i = 1, first < 33 and first or 1 do
      local letter = first < 33 and char(from.byte()) or char(first)
      local kind = letter == "u" and "t" or letter
      section.rates[i] = read_rate(from, kind)
      section.states[i] = read_state[kind](from, section.rates[i], letter == "u")
    end
    section.tag = tag_of(section.rates)
    sections[#sections + 1] = section
  end
  return sections
end

-- A section of what was stored in plain form.
local function section_of(rates, states)
  local section = { rates = {}, states = {} }
  for i, rate in ipairs(rates) do
    local state = states[i]
    section.rates[i] = section_rate(rate.letter, rate)
    section.states[i] = rate.ring and kernels.s.lists().read(state) or state
  end
  section.tag = tag_of(section.rates)
  return section
end

-- The length of a window, in seven bytes of a value. Text of another program is a length that no window has.
local LONGEST_US = 2 ^ 50
local function length_at(value, from)
  local us = unpack_at("<I7", value, from)
  if us < 1 or us > LONGEST_US then error(FOREIGN, 0) end
  return us
end

-- A single window, whose value names its rules, where it is not by the rules that are plain; and a token bucket by
-- unknown ones, which counts as a full limit that was taken now.
local function section_alone(target, value, cursor, rates)
  local first, rest = sub(value, cursor, cursor), #value - cursor
  if first == "S" and cursor == 1 and rest > 52 then
    kernels.s = kernels.s or algorithms.s()
    local limit = kernels.s.limit_of(1, length_at(value, 10))
    limit.letter = "s"
    local ring = kernels.s.open(target.key, limit)
    if not ring.foreign then return section_of({ limit }, { ring }), ring.blocked end
  elseif first == "F" and are_windows(rest, 7) then
    local rate = section_rate("f", { window = length_at(value, cursor + 1) })
    return section_of({ rate }, { windows_with_reach(sub(value, cursor + 8)) })
  elseif first == "C" and are_windows(rest, 12) then
    local window, power, previous = length_at(value, cursor + 1), unpack_at("<BI4", value, cursor + 8)
    local rate = section_rate("c", { window = window, step = 10 ^ power })
    return section_of({ rate }, { windows_with_reach(sub(value, cursor + 13), previous) })
  end
  local digits = bucket_digits(sub(value, cursor))
  if digits and may_be_bucket(target.key, digits) then
    if tonumber(sub(digits, 1, 16)) < now then return nil end
    local section = { rates = rates, states = {}, tag = tag_of(rates), is_made = true }
    for i, rate in ipairs(rates) do
      section.states[i] = from_runs({ { at = now, units = rate.capacity } }, rate)
    end
    return section
  end
  error(FOREIGN, 0)
end

local function is_fresh(section)
  for i, rate in ipairs(section.rates) do
    if rate.kernel.fresh_from(section.states[i], rate) > now then return false end
  end
  return true
end

-- The rules that are plain now, and whether those of a policy are.
local function plain_rules_of(policy)
  if policy.plain then return policy, true end
  local has_next = policy.next_rules ~= "" and now >= policy.next_from
  local index = has_next and policy.next_rules or policy.plain_rules
  local by = index == "0" and policy or policies[index + 0]
  return by, by == policy and (has_next or policy.next_rules == "")
end

-- Whether a value was written last while a policy was alone, or before, and not by others that have come since.
local function is_past(stamp, alone_at)
  local units = floor(now / STAMP_US) - floor(alone_at / STAMP_US)
  return alone_at > 0 and units >= 0 and (floor(now / STAMP_US) - stamp) % 256 > units
end

-- What is stored, as sections, and whether no other process counts on them any more: who knows of others writes nothing
-- in another form than this one.
local function stored_sections(target, twin)
  local policy = twin.written
  local value, cursor = call("GET", target.key) or "", 1
  if byte(value, 1) == 98 then
    target.blocked, cursor = block_of(value)
  end
  if byte(value, cursor) == 77 then
    target.stamp = byte(value, cursor + 1) or 0
    return read_sections(value, cursor + 2), is_past(target.stamp, policy.alone_at)
  end
  local by = plain_rules_of(policy)
  local read = { policy = by, key = target.key, rings = target.rings }
  target.had_rings = by.rings > 0 and target.rings
  if load_plain(read) then
    target.blocked = read.blocked
    return { section_of(by.rates, read.states) }, policy.alone_at > 0
  end
  local section, blocked = section_alone(target, value, cursor, twin.rates)
  target.blocked = blocked or target.blocked
  return { section }, policy.alone_at > 0
end

local mixed = {}

function mixed.load(target)
  local twin = twin_of(target.policy)
  target.blocked, target.had_rings, target.stamp = 0, nil, nil
  local sections, past = stored_sections(target, twin)
  local before
  target.policy, target.mixed, target.others, target.states = twin, mixed, {}, nil
  for _, section in ipairs(sections) do
    for i, rate in ipairs(section.rates) do
      local state = section.states[i]
      section.states[i] = rate.kernel.settle(state, rate)
      target.is_new = target.is_new or section.states[i] ~= state
    end
    if section.tag == twin.tag then
      target.states, target.is_new = section.states, target.is_new or section.is_made
    else
      before = before or section
      if not past then target.others[#target.others + 1] = section end
    end
  end
  has_met = has_met or twin.alone_at > 0 and target.others[1]
  if target.states then return end
  if before and not is_fresh(before) then
    target.states, target.is_new = take_over(before, twin.rates), true
  else
    target.states = {}
    for i, rate in ipairs(twin.rates) do
      target.states[i] = rate.kernel.fresh()
    end
  end
end

-- What the other rules of a key count of a take.
function mixed.take(target, at)
  for _, section in ipairs(target.others) do
    for i, rate in ipairs(section.rates) do
      local state, units = section.states[i], target.cost
      if rate.letter == "t" then
        local promised = max(at > now and at or 0, given_back().promised_of(state, rate))
        state = rate.kernel.take(state, at, min(units, rate.capacity), rate)
        state = refills_in_time(state, promised, rate)
      else
        state = rate.kernel.take(state, at, units, rate)
      end
      section.states[i] = state
    end
  end
end

-- What the other rules of a key count of units that an operator forgives.
function mixed.refund(target)
  for _, section in ipairs(target.others) do
    for i, rate in ipairs(section.rates) do
      section.states[i] = refund[rate.letter](section.states[i], target.cost, rate) or section.states[i]
    end
  end
end

-- Writes a key in plain form again. Rings of other rules may have been beside it.
local function save_plain(target, policy, had_rings)
  for _, key in pairs(had_rings or {}) do
    call("PEXPIRE", key, "0")
  end
  local states = target.states
  target.policy, target.mixed = policy, nil
  if policy.rings > 0 then call("PEXPIRE", target.key, "0") end -- DEL is no right that decisions need
  for i, rate in ipairs(policy.rates) do
    if rate.ring then
      local key = policy.shape == "s" and target.key or target.rings[i]
      states[i] = kernels.s.lists().write(key, states[i], rate, policy.shape == "s" and target.blocked or 0)
    end
  end
  save(target)
end

function mixed.save(target)
  local policy = target.policy.written
  local own = { rates = target.policy.rates, states = target.states }
  local sections = { own }
  for _, section in ipairs(target.others) do
    if #sections < MOST_SECTIONS then sections[#sections + 1] = section end
  end
  local _, is_plain = plain_rules_of(policy)
  -- The value of a single window names its rules.
  local has_name = #policy.rates == 1 and string.find("cfs", policy.shape, 1, true)
  if #sections == 1 and (is_plain or has_name) and policy.alone_at > 0 then
    return save_plain(target, policy, not is_plain and target.had_rings)
  end
  local stamp = policy.alone_at > 0 and target.stamp or floor(now / STAMP_US) % 256
  local value, until_us = { text = "M" .. char(stamp) }, target.blocked
  for _, section in ipairs(sections) do
    write_section(value, section)
    for place, rate in ipairs(section.rates) do
      until_us = max(until_us, rate.kernel.fresh_from(section.states[place], rate))
    end
  end
  local text = target.blocked > now and "b" .. pack("<d", target.blocked) .. value.text or value.text
  call("SET", target.key, text, "PX", ttl_ms(until_us))
  for _, key in pairs(target.had_rings or {}) do
    call("PEXPIRE", key, "0")
  end
end
