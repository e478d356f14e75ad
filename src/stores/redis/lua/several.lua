--[[
Decides a batch of requests over several limits of one key each, none of them an exact window: each takes from all limits,
or from none. The same decisions as decide.lua makes, in a fraction of the time: alike requests stand in groups with one
header, and on one key in one entry with a count.

KEYS     the main key of each entry, group by group; those of one group differ
ARGV     grace in ms, added to every time to live; of tests "@now grace" (_clock.lua)
         each group: what it is (1 peek + 8 counts + 32 times its number of entries), cost, the longest wait µs, number
           of words of the policy, and these, as decide.lua reads them;
           counts: for each entry, how often to take, one after the other, until a denial

Returns  { now, entry... }; a level is two integers for each limit, as after the decision
         without count: the level, or, where it was denied, -1 - µs until it is allowed, and the level
         with count: how many were admitted, the level, and µs until another one is allowed
         { status, wait µs, level... } as decide.lua tells them, of a key whose state is not what most are; with count,
         one such table for each take
         in place of an entry that failed stands its message
]]
--- @include _clock
local try, byte, floor, format = redis.pcall, string.byte, math.floor, string.format
local pack, unpack_at = struct.pack, struct.unpack

-- One take, and what most of them meet: see fixed_window.lua.
if ARGV[2] == "32" and #KEYS == 1 then
  local ARGV, key, cost = ARGV, KEYS[1], ARGV[3] + 0
  local value = try("GET", key)
  --- @inline _alone_packed
end

--- @include _take_head
local grace_ms = ARGV[1] + 0
--- @include _packing

--- @include _several_limits

-- The reply, as far as it stands.
local replies, place, refused = { now }, 1, nil

-- Writes what was taken: within its step, the key lives long enough. What reads as absent may hold no string: it is
-- left alone. Returns the error of the server.
local function write(key, value)
  local bytes, done = pack(form, unpack(following, 1, slots)), nil
  if value and stored_until - stored_until % step_us == until_us - until_us % step_us then
    done = try("SETRANGE", key, offset, bytes)
    return type(done) == "table" and done.err
  end
  local life = packed_life(packing, until_us)
  bytes = prefix .. bytes
  done = value and try("SET", key, bytes, "PX", life) or try("SET", key, bytes, "PX", life, "NX") or try("GET", key)
  return done and done.err
end

-- What it takes to decide entries of which the short way does nothing. To make all these functions takes longer than a
-- decision: they are made when one is needed.
local function make_rest()
  --- @include _several_state

  -- Tells where all limits stand (measure of each kernel).
  local function tell(numbers, is_new)
    for i = 1, count do
      local limit = limits[i]
      local kind, slot = limit.letter, limit.slot
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

  --- @include _several_left

  return decide, decide_left
end
local decide, decide_left

local cursor, last = 1, 0
while last < #KEYS do
  local flags, first, words = ARGV[cursor + 1] + 0, last + 1, ARGV[cursor + 4] + 0
  last = min(last + floor(flags / 32), #KEYS)
  cost, max_wait, peeks = ARGV[cursor + 2] + 0, ARGV[cursor + 3] + 0, flags % 2 == 1
  local words_from, counts, left = cursor + 4, flags % 16 >= 8, nil
  read_limits(words_from)
  local quick = not (counts or peeks)
  cursor = cursor + 4 + words
  for from = first, last, 1000 do
    local past = min(from + 999, last)
    -- In as few calls as the stack of Lua allows. One that holds no string reads as absent.
    local values = call("MGET", unpack(KEYS, from, past))
    for i = from, past do
      local key, value = KEYS[i], values[i - from + 1]
      local fits = quick and value and #value == size and sub(value, 1, head) == prefix
      --- @inline _in_packed
      if fits then
        place = place + count + count
      else
        for n = place + count + count, place + 1, -1 do
          replies[n] = nil
        end
        if not decide then
          decide, decide_left = make_rest()
        end
        local times = counts and ARGV[cursor + i - first + 1] + 0 or 1
        if not decide(key, value, times, counts) then
          left, place = left or {}, place + 1
          left[#left + 1], replies[place] = { key = key, times = times, counts = counts, place = place }, false
        end
      end
    end
  end
  if left then decide_left(left, words, words_from) end
  if counts then cursor = cursor + last - first + 1 end
end
return refused and redis.error_reply(refused) or replies
