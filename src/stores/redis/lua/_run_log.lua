-- A log of runs (src/algorithms/sliding_window/run_log.ts) in a string of its own, read and written by place. A run is
-- 8 bytes: an instant, of which 48 bits are kept, and up to 65 535 units; where the window is longer than 38 hours, 56
-- bits and up to 255 units. Runs stand in a ring, in pages: in front of each page are 4 bytes with the units in it,
-- written when the newest run leaves it. In front of all that, the header:
--
-- "S", blocked until (a double), window, latest instant promised to a caller who waits (its highest three bits are the
-- reach, see _reach.lua), newest instant (7 bytes each), place of the oldest run, number of runs, places (4 each),
-- units in all (7), units in the newest run's page (4), and the power of two of a page's length; to that, 16 are added
-- for runs of the second kind, and 32 where every run is one unit.
--
-- A small log is read and written as a whole, which is one command each. Of a large one, what is needed is read.
local HEADER, FORMAT, SMALL = 54, "<dI7I6BI7I4I4I4I7I4B", 32
local SPAN, LONG = 2 ^ 48, 2 ^ 37
local byte, era = string.byte, now - now % SPAN

local function shape(log, power)
  log.ones, log.power = power >= 32, power % 32
  log.wide, log.page = log.power >= 16, 2 ^ (power % 16)
  log.most = log.wide and 255 or 65535
end

local function encode(log, stamp, units)
  if log.wide then return pack("<I7B", stamp, units) end
  if stamp - now >= SPAN / 2 then error("ERR the units would be taken years ahead", 0) end
  return pack("<I6I2", stamp % SPAN, units)
end

local function decode(log, bytes, from)
  if log.wide then return unpack_at("<I7B", bytes, from) end
  local stamp, units = unpack_at("<I6I2", bytes, from)
  stamp = stamp + era
  if stamp > now + SPAN / 2 then return stamp - SPAN, units end
  if stamp < now - SPAN / 2 then return stamp + SPAN, units end
  return stamp, units
end

local function read(log, from, to)
  if to < #log.bytes then return sub(log.bytes, from + 1, to + 1) end
  return call("GETRANGE", log.key, format("%d", from), format("%d", to))
end

-- Adds up the units of runs, in bytes, as far as it takes to reach `need`. Returns how many runs that are, if they reach
-- it, their units, and those of the last one. To read their instants too would take several times as long.
local function count_units(log, runs, need)
  local sum, wide, byte = 0, log.wide, byte
  for j = 8, #runs, 8 do
    local low, high = byte(runs, j - 1, j)
    local own = wide and high or low + 256 * high
    sum = sum + own
    if sum >= need then return j / 8, sum, own end
  end
  return nil, sum
end

local function units_of(log, runs)
  local _, sum = count_units(log, runs, 1 / 0)
  return sum
end

-- Where a run lies, by its place in the ring.
local function offset(log, slot)
  return HEADER + 4 * (floor(slot / log.page) + 1) + 8 * slot
end

local function size(log)
  return log.slots == 0 and HEADER or offset(log, log.slots - 1) + 8
end

local function slot_of(log, i)
  return (log.head + i) % log.slots
end

local function entry(log, i)
  local from = offset(log, slot_of(log, i))
  return decode(log, read(log, from, from + 7), 1)
end

-- How many runs from the i-th on lie side by side in a page.
local function beside(log, i)
  local slot = slot_of(log, i)
  return min(log.page - slot % log.page, log.slots - slot, log.count - i)
end

-- The first run with which the units from the oldest on reach `need`, or, without `need`, that is later than `before`:
-- its place, the units in front of it, its instant.
local function walk(log, need, before)
  if need and log.before and need > log.before then return log.count, log.before, log.newest end
  if log.ones then
    if need then return need - 1, need - 1, (entry(log, need - 1)) end
    local low, high = 0, log.count
    while low < high do
      local middle = floor((low + high) / 2)
      if entry(log, middle) <= before then
        low = middle + 1
      else
        high = middle
      end
    end
    return low, low
  end
  local i, sum = 0, 0
  while i < log.count do
    local n, slot = beside(log, i), slot_of(log, i)
    local units
    -- A page that is whole and has been left.
    if i > 0 and i + n < log.count then
      local from = offset(log, slot) - 4
      units = unpack_at("<I4", read(log, from, from + 3), 1)
    end
    if units and ((need and sum + units < need) or (not need and entry(log, i + n - 1) <= before)) then
      i, sum = i + n, sum + units
    else
      local done, some = 0, 16
      while done < n do
        some = min(some, n - done)
        local from = offset(log, slot + done)
        local bytes = read(log, from, from + 8 * some - 1)
        if need then
          local n, reached, own = count_units(log, bytes, need - sum)
          if n then return i + n - 1, sum + reached - own, (decode(log, bytes, 8 * n - 7)) end
          i, sum = i + some, sum + reached
        else
          for j = 1, 8 * some, 8 do
            local stamp, own = decode(log, bytes, j)
            if stamp > before then return i, sum, stamp end
            i, sum = i + 1, sum + own
          end
        end
        done, some = done + some, some * 8
      end
    end
  end
  return i, sum
end

local function header(log)
  local window, promised, power = log.window, log.promised, log.power + (log.ones and 32 or 0)
  local places = pack("<I4I4I4I7I4B", log.head, log.count, log.slots, log.total, log.tail, power)
  local low = promised % SPAN
  local high = (promised - low) / SPAN + 32 * log.reach
  return "S" .. pack("<dI7I6BI7", log.blocked, window, low, high, log.newest) .. places
end

-- What was read of a log no longer holds.
local function forget(log)
  log.bytes, log.expired = "", nil
end

-- A log without runs, as the rules want it.
local function clear(log, limit)
  log.head, log.count, log.slots, log.total, log.tail, log.newest = 0, 0, 0, 0, 0, 0
  shape(log, limit.power + 32)
  forget(log)
end

-- Bytes of a log: `runs` in order, and places for others.
local function layout(log, runs, slots)
  local n = #runs / 8
  log.head, log.count, log.slots, log.tail = 0, n, slots, 0
  local parts = {}
  for from = 0, slots - 1, log.page do
    local past = min(from + log.page, slots)
    local bytes, sum = sub(runs, from * 8 + 1, past * 8), 0
    if from < n then
      sum = units_of(log, bytes)
      log.tail = sum
    end
    parts[#parts + 1] = pack("<I4", sum) .. bytes .. string.rep("\0\0\0\0\0\0\0\0", past - from - #bytes / 8)
  end
  return header(log) .. table.concat(parts)
end

-- The bytes of all runs, oldest first.
local function runs_of(log)
  local parts, i = {}, 0
  while i < log.count do
    local n, from = beside(log, i), offset(log, slot_of(log, i))
    parts[#parts + 1], i = read(log, from, from + 8 * n - 1), i + n
  end
  return table.concat(parts)
end

-- As many runs of one instant as it takes.
local function runs_for(log, stamp, units)
  local whole = ceil(units / log.most) - 1
  return string.rep(encode(log, stamp, log.most), whole) .. encode(log, stamp, units - whole * log.most)
end
