--[[
Decides a batch of requests over one fixed window each. The same decisions as decide.lua makes, in a fraction of the time:
alike requests stand in runs with one header, and on one key in one entry with a count.

KEYS     the main key of each entry, run by run; those of one run differ
ARGV     now in µs, or "" for the server's TIME
         grace in ms, added to every time to live
         each run: what it is (1 peek + 8 counts), its number of entries, cost, units of a window, its length in µs, step
           (0), the longest wait µs;
           counts: for each entry, how often to take, one after the other, until a denial

Returns  { now, entry... }; the units in use and µs until none is are told as after the decision
         without count: units in use and µs, or, where it was denied, -1 - units in use, µs, and µs until it is allowed
         with count: how many were admitted, units in use, µs, and µs until another one is allowed
         { status, wait µs, units in use, µs }, as decide.lua tells them, of a key that is blocked, and of one that waits
         in place of an entry that failed stands its message, RULES where its key has to do with other rules
]]
--- @include _take_head

-- One take, and what most of them meet. It stands in front of whatever else it takes to decide, because a server that
-- has done other things meanwhile is slow to make even that.
if #KEYS == 1 and ARGV[3] == "0" then
  local key, cost, capacity, window = KEYS[1], ARGV[5] + 0, ARGV[6] + 0, ARGV[7] + 0
  local value, used, reset = try("GET", key), nil, nil
  --- @inline _in_fixed_window
  if used then return { now, used, reset } end
end

--- @include _take_life
--- @include _block
--- @include _reach
--- @include _windows
--- @include _fixed_window
local LETTER = "f"
--- @include _take_windows

local begun, begun_life
-- What a window that opens now is stored as, but for its count.
local function begin()
  begun, begun_life = "F" .. pack("<I7I7", window, now), life(now + window)
end

local function decide(key, value, times)
  local kept
  if value and #value == 19 and byte(value, 1) == 70 then
    local length, start, count = unpack_at("<I7I7I4", value, 2)
    kept = length == window and start <= now
    local reset = start + window - now
    if kept and reset > 0 then
      local room = capacity - count
      if cost <= room then
        if peeks then return 1, count, reset, 0 end
        local taken = times == 1 and 1 or min(times, floor(room / cost))
        count = count + taken * cost
        local done = try("SETRANGE", key, "15", pack("<I4", count))
        if done ~= 19 then return false, done.err end
        return taken, count, reset, taken == times and 0 or reset
      end
      if max_wait < reset then return 0, count, reset, reset end
      kept = false
    end
  end
  if peeks or (value and not kept) then return decide_slowly(key, value, times) end
  local taken = times == 1 and 1 or max(min(times, floor(capacity / cost)), 1)
  local failure = write(key, value, begun .. pack("<I4", taken * cost), begun_life)
  if failure then return false, failure end
  return taken, taken * cost, window, taken == times and 0 or window
end

--- @include _take_tell

local function take_quickly(values, from, past)
  for i = from, past do
    local key, value, used, reset = KEYS[i], values[i - from + 1], nil, nil
    --- @inline _in_fixed_window
    if used then
      replies[place + 1], replies[place + 2] = used, reset
      place = place + 2
    else
      tell(key, value, 1)
    end
  end
end

--- @include _take_runs
