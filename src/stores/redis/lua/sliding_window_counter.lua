--[[
Decides a batch of requests over one sliding window counter each. The same decisions as decide.lua makes, in a fraction of
the time: alike requests stand in groups with one header, and on one key in one entry with a count.

KEYS     as for fixed_window.lua
ARGV     as for fixed_window.lua, with the step in which the window before fades, in µs

Returns  as fixed_window.lua
]]
--- @include _clock
local try, ceil, floor, pack, unpack_at = redis.pcall, math.ceil, math.floor, struct.pack, struct.unpack

-- One take, and what most of them meet: see fixed_window.lua.
if ARGV[2] == "32" and #KEYS == 1 then
  local ARGV, key = ARGV, KEYS[1]
  local cost, capacity, window, step = ARGV[3] + 0, ARGV[4] + 0, ARGV[5] + 0, ARGV[6] + 0
  local value, used, reset, steps = try("GET", key), nil, nil, window / step
  local named = window < 2 ^ 45 and 67 + 256 * window or -1
  --- @inline _in_counter
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
  --- @include _sliding_window_counter
  local LETTER = "c"
  --- @include _take_windows

  local steps, prefix, begun_life
  -- What stands in front of the counts and the start.
  local function begin()
    steps = window / step
    prefix, begun_life = "C" .. pack("<I7B", window, #format("%.0f", step) - 1), life(now + 2 * window)
  end

  -- How far into a window `units` of the one before have faded to `room`.
  local function fades(units, room)
    return units <= room and 0 or (steps - floor(room * steps / units)) * step
  end

  local function decide(key, value, times)
    local known, start, previous, count = not value, now, 0, 0
    local rolled = known
    if value and #value == 24 and byte(value, 1) == 67 then
      local length, power
      length, power, previous, start, count = unpack_at("<I7BI4I7I4", value, 2)
      known = length == window and start <= now
      if now >= start + 2 * window then
        start, previous, count, rolled = now, 0, 0, true
      elseif now >= start + window then
        start, previous, count, rolled = start + window, count, 0, true
      end
    end
    if not known or (peeks and rolled) then return decide_slowly(key, value, times) end

    local faded, reset = 0, start + 2 * window - now
    if previous > 0 then faded = ceil(previous * (steps - floor((now - start) / step)) / steps) end
    local room = capacity - count - faded
    local taken = 0
    if cost <= room then
      if peeks then return 1, count + faded, reset, 0 end
      taken = times == 1 and 1 or min(times, floor(room / cost))
      count = count + taken * cost
      if rolled then
        local ttl = start == now and begun_life or life(start + 2 * window)
        local failure = write(key, value, prefix .. pack("<I4I7I4", previous, start, count), ttl)
        if failure then return false, failure end
      else
        local done = try("SETRANGE", key, "20", pack("<I4", count))
        if done ~= 24 then return false, done.err end
      end
      if taken == times then return taken, count + faded, reset, 0 end
    end
    local left, wait = capacity - cost - count, nil
    if left >= 0 then
      wait = start + fades(previous, left) - now
    else
      wait = start + window + fades(count, capacity - cost) - now
    end
    if taken > 0 or wait > max_wait then
      -- Windows that have gone by are derived from the last one that was stored.
      if taken == 0 and rolled then return decide_slowly(key, value, times) end
      return taken, count + faded, reset, wait
    end
    return decide_slowly(key, value, times)
  end

  --- @include _take_tell
  return tell
end

--- @include _take_rest

local function take_quickly(values, from, past)
  -- What is around a function is slower to reach than what is in it.
  local KEYS, replies, place_now, now, cost, capacity, window = KEYS, replies, place, now, cost, capacity, window
  local try, ceil, floor, pack, unpack_at, step, steps = try, ceil, floor, pack, unpack_at, step, window / step
  -- What names a window longer than a year is no exact number: those take the long way.
  local named = window < 2 ^ 45 and 67 + 256 * window or -1
  --- @inline _joined
  for i = from, past do
    local key, value, used, reset = KEYS[i], values[i - from + 1], nil, nil
    --- @inline _in_counter
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
