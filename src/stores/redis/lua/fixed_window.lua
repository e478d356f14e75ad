--[[
Decides a batch of requests over one fixed window each. The same decisions as decide.lua makes, in a fraction of the time:
alike requests stand in groups with one header, and on one key in one entry with a count.

KEYS     the main key of each entry, group by group; those of one group differ
ARGV     grace in ms, added to every time to live; of tests "@now grace" (_clock.lua)
         each group: what it is (1 peek + 2 wait + 8 counts + 32 times its number of entries), cost, units of a window,
           its length in µs, below what counts must stay that are stored as an integer (0 none are);
           wait: the longest wait µs;
           counts: for each entry, how often to take, one after the other, until a denial

Returns  { now, entry... }; the units in use, and µs until none is, as after the decision
         without count: units in use and µs, mostly as one number (_joined.lua), or, where it was denied, -1 - units in use, µs, and µs until it is allowed
         with count: how many were admitted, units in use, µs, and µs until another one is allowed
         { status, wait µs, units in use, µs }, as decide.lua tells them, of a key that is blocked, and of one that waits
         in place of an entry that failed stands its message, RULES where its key has to do with other rules
]]
--- @include _clock
local try, tonumber, pack, unpack_at = redis.pcall, tonumber, struct.pack, struct.unpack

-- One take, and what most of them meet. It stands in front of whatever else it takes to decide, because a server that
-- has done other things meanwhile is slow to make even that.
if ARGV[2] == "32" and #KEYS == 1 then
  local ARGV, key = ARGV, KEYS[1]
  local cost, capacity, window, factor = ARGV[3] + 0, ARGV[4] + 0, ARGV[5] + 0, ARGV[6] + 0
  local value, used, reset, less, most = try("GET", key), nil, nil, "-" .. ARGV[3], capacity
  if capacity >= factor then most = 0 end
  -- What names a window longer than a year is no exact number: those take the long way.
  local span, least, named = 2 ^ 52 / factor, -2 ^ 52, window < 2 ^ 45 and 70 + 256 * window or -1
  local era, half = now - now % span - span, now + span / 2
  --- @inline _in_fixed_window
  if used then return { now, used, reset } end
end

--- @include _take_head
--- @include _take_group

-- What it takes to decide entries of which the short way does nothing. To make all these functions takes longer than
-- many decisions: they are made when one is needed.
local function make_rest()
  --- @include _take_life
  --- @include _block
  --- @include _reach
  --- @include _windows
  --- @include _fixed_window
  local LETTER = "f"
  --- @include _take_windows

  local factor, most, begun_life
  local function begin()
    factor, begun_life = step, life(now + window)
    most = capacity < factor and capacity or 0
  end

  -- The start and the count of a window that is alone in its value; nil where the value is something else.
  local function read(value)
    if factor > 0 and is_short(value) then return read_short(value, factor) end
    if #value ~= 19 or byte(value, 1) ~= 70 then return nil end
    local length, start, count = unpack_at("<I7I7I4", value, 2)
    if length == window then return start, count end
  end

  local function window_value(start, count)
    if most == 0 then return "F" .. pack("<I7I7I4", window, start, count) end
    return short_value(start, count, factor)
  end

  local function decide(key, value, times)
    local start, count
    if value then
      start, count = read(value)
    end
    if start and start <= now and now < start + window then
      local reset, room = start + window - now, capacity - count
      if cost > room and max_wait < reset then return 0, count, reset, reset end
      if cost <= room then
        if peeks then return 1, count, reset, 0 end
        local taken = times == 1 and 1 or min(times, floor(room / cost))
        local failure = write(key, value, window_value(start, count + taken * cost), life(start + window))
        if failure then return false, failure end
        return taken, count + taken * cost, reset, taken == times and 0 or reset
      end
    end
    if peeks or (value and not (start and start + window <= now)) then return decide_slowly(key, value, times) end
    local taken = times == 1 and 1 or max(min(times, floor(capacity / cost)), 1)
    local failure = write(key, value, window_value(now, taken * cost), begun_life)
    if failure then return false, failure end
    return taken, taken * cost, window, taken == times and 0 or window
  end

  --- @include _take_tell
  return tell
end

--- @include _take_rest

local function take_quickly(values, from, past)
  -- What is around a function is slower to reach than what is in it.
  local KEYS, replies, place_now, now, cost, capacity, window = KEYS, replies, place, now, cost, capacity, window
  local try, tonumber, pack, unpack_at, factor, less = try, tonumber, pack, unpack_at, step, format("-%.0f", cost)
  local most = capacity < factor and capacity or 0
  -- What names a window longer than a year is no exact number: those take the long way.
  local span, least, named = 2 ^ 52 / factor, -2 ^ 52, window < 2 ^ 45 and 70 + 256 * window or -1
  local era, half = now - now % span - span, now + span / 2
  --- @inline _joined
  for i = from, past do
    local key, value, used, reset = KEYS[i], values[i - from + 1], nil, nil
    --- @inline _in_fixed_window
    if used and scale then
      place_now = place_now + 1
      replies[place_now] = used * scale + reset
    elseif used then
      replies[place_now + 1], replies[place_now + 2] = used, reset
      place_now = place_now + 2
    else
      place = place_now
      tell(key, value, 1)
      place_now = place
    end
  end
  place = place_now
end

local reads = true
--- @include _take_groups
