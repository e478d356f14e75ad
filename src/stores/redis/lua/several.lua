--[[
Decides a batch of requests over several limits of one key each, none of them an exact window: each takes from all limits,
or from none. The same decisions as decide.lua makes, in a fraction of the time: alike requests stand in runs with one
header, and on one key in one entry with a count.

KEYS     the main key of each entry, run by run; those of one run differ
ARGV     now in µs, or "" for the server's TIME
         grace in ms, added to every time to live
         each run: what it is (1 peek + 8 counts), its number of entries, cost, the longest wait µs, number of
           words of the policy, and these, as decide.lua reads them;
           counts: for each entry, how often to take, one after the other, until a denial

Returns  { now, entry... }; a level is two integers for each limit, as after the decision
         without count: the level, or, where it was denied, -1 - µs until it is allowed, and the level
         with count: how many were admitted, the level, and µs until another one is allowed
         { status, wait µs, level... } as decide.lua tells them, of a key whose state is not what most are; with count,
         one such table for each take
         in place of an entry that failed stands its message
]]
--- @include _take_head
local grace_ms = ARGV[2] + 0
--- @include _packing

-- What is left to the script for everything: all entries of a run in one go, as their keys differ.
local function decide_slowly(ARGV, KEYS)
  --- @include decide
end

local cost, max_wait, peeks = 0, 0, false
local packing, limits, count, prefix, head, size, step_us
-- The numbers of an entry as they are packed, now and after a take; until when each limit matters, and all do, as stored;
-- until when all do after a take.
local state, following, ends, stored_until, until_us = {}, {}, {}, 0, 0

-- Reads a value as it is now. Whether it is what most are.
local function read(value)
  if value and (#value ~= size or sub(value, 1, head) ~= prefix) then return false end
  stored_until = 0
  for i = 1, count do
    local limit = limits[i]
    local kind, slot, us, units, previous, past = limit.kind, limit.slot, 0, 0, 0, 0
    if value then
      us, units, previous = unpack_at(limit.format, value, limit.at)
    end
    if kind == "t" then
      -- It may be promised, or from another clock.
      if us > limit.most_us then return false end
      past = us
      if us < now - 1 or (us < now and units == 0) then
        us, units = now, 0
      elseif units >= limit.denominator then
        units = limit.denominator - 1
      end
    else
      local window = limit.window
      if us > now then return false end
      if us > 0 then past = us + window end
      if kind == "f" then
        if now >= past then
          us, units = now, 0
        end
      else
        if us > 0 then past = past + window end
        if now >= past then
          us, units, previous = now, 0, 0
        elseif now >= past - window then
          us, units, previous = us + window, 0, units
        end
        state[slot + 2] = previous
      end
    end
    if past > stored_until then stored_until = past end
    state[slot], state[slot + 1], ends[i] = us, units, past
  end
  return true
end

-- What is left at an instant of the units of the window before.
local function faded(limit, start, previous)
  return previous > 0 and ceil(previous * (limit.steps - floor((now - start) / limit.step)) / limit.steps) or 0
end

-- Takes so many times, for now, into `following`. Whether all limits have room for it.
local function take(times)
  until_us = 0
  for i = 1, count do
    local limit = limits[i]
    local kind, slot = limit.kind, limit.slot
    local us, units = state[slot], state[slot + 1]
    local past = us
    if kind == "t" then
      units = units + times * limit.rem
      if units >= limit.denominator then
        local carry = floor(units / limit.denominator)
        us, units = us + carry, units - carry * limit.denominator
      end
      us = us + times * limit.us
      if us >= limit.most_us and (us > limit.most_us or units > limit.burst_rem) then return false end
      past = us
    else
      units, past = units + times * cost, us + limit.window
      if kind == "f" then
        if units > limit.capacity then return false end
      else
        local previous = state[slot + 2]
        if units + faded(limit, us, previous) > limit.capacity then return false end
        following[slot + 2], past = previous, past + limit.window
      end
    end
    if past > until_us then until_us = past end
    following[slot], following[slot + 1] = us, units
  end
  return true
end

-- How often it can be taken, if not `times`.
local function takes(times)
  local most = times - 1
  for i = 1, count do
    local limit = limits[i]
    local us, units = state[limit.slot], state[limit.slot + 1]
    if limit.kind == "t" then
      local room = limit.most_us - us + (limit.burst_rem - units) / limit.denominator
      most = min(most, floor(room / (limit.us + limit.rem / limit.denominator)) + 1)
    else
      if limit.kind == "c" then units = units + faded(limit, us, state[limit.slot + 2]) end
      most = min(most, floor((limit.capacity - units) / cost))
    end
  end
  -- Of a bucket, that is one more than fits, or two.
  while most > 0 and not take(most) do
    most = most - 1
  end
  return max(most, 0)
end

-- How far into a window `units` of the one before have faded to `room`; past its end if they never do.
local function fades(limit, units, room)
  if room < 0 then return limit.window + 1 end
  if units <= room then return 0 end
  return (limit.steps - floor(room * limit.steps / units)) * limit.step
end

-- How long until one more take fits (earliest of each kernel).
local function wait_of(numbers)
  local at = now
  for i = 1, count do
    local limit = limits[i]
    local kind, us, units = limit.kind, numbers[limit.slot], numbers[limit.slot + 1]
    if kind == "t" then
      us, units = us + limit.us - limit.burst_us, units + limit.rem
      if units >= limit.denominator then
        us, units = us + 1, units - limit.denominator
      end
      at = max(at, units > limit.burst_rem and us + 1 or us)
    elseif kind == "f" then
      if units + cost > limit.capacity then at = max(at, us + limit.window) end
    else
      local far = fades(limit, numbers[limit.slot + 2], limit.capacity - cost - units)
      if far > limit.window then far = limit.window + fades(limit, units, limit.capacity - cost) end
      at = max(at, us + far)
    end
  end
  return at - now
end

-- The reply, as far as it stands.
local replies, place, refused = { now }, 1, nil

-- Tells where all limits stand (measure of each kernel).
local function tell(numbers, is_new)
  for i = 1, count do
    local limit = limits[i]
    local kind, slot = limit.kind, limit.slot
    local us, units = numbers[slot], numbers[slot + 1]
    if kind == "t" then
      us, units = us - now, units
      if us < 0 then
        us, units = 0, 0
      end
      replies[place + 1], replies[place + 2] = us, units
    else
      local past = is_new and us + limit.horizon or ends[i]
      if past <= now then
        replies[place + 1], replies[place + 2] = 0, 0
      else
        if kind == "c" then units = units + faded(limit, us, numbers[slot + 2]) end
        replies[place + 1], replies[place + 2] = units, past - now
      end
    end
    place = place + 2
  end
end

-- Writes what was taken: within its step, the key lives long enough. What reads as absent may hold no string: it is left
-- alone. Returns the error of the server.
local function write(key, value)
  local bytes, done = pack(packing.form, unpack(following, 1, packing.slots)), nil
  if value and stored_until - stored_until % step_us == until_us - until_us % step_us then
    done = try("SETRANGE", key, packing.offset, bytes)
    return type(done) == "table" and done.err
  end
  local life = packed_life(packing, until_us)
  bytes = prefix .. bytes
  done = value and try("SET", key, bytes, "PX", life) or try("SET", key, bytes, "PX", life, "NX") or try("GET", key)
  return done and done.err
end

-- Decides an entry. False if its state is not what most are, or it must wait.
local function decide(key, value, times, counts)
  if not read(value) then return false end
  local taken, wait, failure = times, 0, nil
  if not take(times) then
    taken = takes(times)
    wait = wait_of(taken > 0 and following or state)
    if wait <= max_wait then return false end
  end
  if taken > 0 and not peeks then
    failure = write(key, value)
  elseif not value then
    failure = try("GET", key)
    failure = failure and failure.err
  end
  if failure then
    -- Of a server that is no primary any more all fails: the client must look for the new one.
    if string.find(failure, "READONLY", 1, true) then refused = failure end
    place = place + 1
    replies[place] = failure
    return true
  end
  if counts or taken == 0 then
    place = place + 1
    replies[place] = counts and taken or -1 - wait
  end
  local is_new = taken > 0 and not peeks
  tell(is_new and following or state, is_new)
  if counts then
    place = place + 1
    replies[place] = wait
  end
  return true
end

-- Decides entries that are left over, in the places that were kept for them.
local function decide_left(left, words, words_from)
  local keys, args = {}, { now, grace_ms, 1 }
  for i = 1, words do
    args[3 + i] = ARGV[words_from + i]
  end
  local mode, total, last = peeks and "2" or "1", 0, #args + 1
  for _, entry in ipairs(left) do
    for _ = 1, entry.times do
      total = total + 1
      keys[total] = entry.key
      for i, word in ipairs({ mode, max_wait, 1, "1", cost, 0 }) do
        args[last + i] = word
      end
      last = last + 6
    end
  end
  args[4 + words] = total
  local decided, done = decide_slowly(args, keys), 1
  for _, entry in ipairs(left) do
    if entry.counts then
      local all = {}
      for i = 1, entry.times do
        all[i] = decided[done + i]
      end
      replies[entry.place], done = all, done + entry.times
    else
      replies[entry.place], done = decided[done + 1], done + 1
    end
  end
end

-- Reads the policy of a run: its limits, and how they are packed.
local function read_limits(from)
  limits, count = {}, ARGV[from + 4] + 0
  local at = from + 4
  for i = 1, count do
    local letter = ARGV[at + 1]
    local a, b = ARGV[at + 2] + 0, ARGV[at + 3] + 0
    if letter == "t" then
      local denominator, burst_us, burst_rem = ARGV[at + 4] + 0, ARGV[at + 5] + 0, ARGV[at + 6] + 0
      local carry = floor(cost * b / denominator)
      limits[i] = {
        letter = letter,
        us = cost * a + carry,
        rem = cost * b - carry * denominator,
        denominator = denominator,
        burst_us = burst_us,
        burst_rem = burst_rem,
        most_us = now + burst_us,
        digits = ARGV[at + 7] + 0,
      }
      at = at + 7
    else
      limits[i] = { letter = letter, capacity = a, window = b, horizon = b }
      at = at + 3
      if letter == "c" then
        at = at + 1
        local step = ARGV[at] + 0
        limits[i].step, limits[i].steps, limits[i].horizon = step, b / step, 2 * b
      end
    end
  end
  packing = packing_of(limits)
  for i, limit in ipairs(limits) do
    local packed = packing.limits[i]
    limit.kind, limit.format, limit.slot, limit.at = limit.letter, packed.format, packed.slot, packed.at
  end
  prefix, size, step_us, head = packing.prefix, packing.size, packing.step_us, #packing.prefix
  packing.offset = format("%d", head)
end

local cursor, last = 2, 0
while last < #KEYS do
  local kind, first, words = ARGV[cursor + 1] + 0, last + 1, ARGV[cursor + 5] + 0
  last = min(last + ARGV[cursor + 2], #KEYS)
  cost, max_wait, peeks = ARGV[cursor + 3] + 0, ARGV[cursor + 4] + 0, kind % 2 == 1
  local words_from, counts, left = cursor + 5, kind >= 8, nil
  read_limits(words_from)
  cursor = cursor + 5 + words
  for from = first, last, 1000 do
    local past = min(from + 999, last)
    -- In as few calls as the stack of Lua allows. One that holds no string reads as absent.
    local values = call("MGET", unpack(KEYS, from, past))
    for i = from, past do
      local times = counts and ARGV[cursor + i - first + 1] + 0 or 1
      if not decide(KEYS[i], values[i - from + 1], times, counts) then
        left, place = left or {}, place + 1
        left[#left + 1] = { key = KEYS[i], times = times, counts = counts, place = place }
        replies[place] = false
      end
    end
  end
  if left then decide_left(left, words, words_from) end
  if counts then cursor = cursor + last - first + 1 end
end
return refused and redis.error_reply(refused) or replies
