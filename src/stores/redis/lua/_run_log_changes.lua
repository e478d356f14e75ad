-- How a log of runs (_run_log.lua) becomes longer, or is read as version 0.1.0 wrote it.
--- @include _run_log_room

-- A ring of version 0.1.0: a double for each unit. It is written in the new form when something is taken.
local function from_old(log, value, limit)
  if #value < 21 then return end
  local blocked, head, count, slots = unpack_at("<dI4I4I4", value, 2)
  if #value ~= 21 + 8 * slots or count > slots or head >= max(slots, 1) then return end
  local parts, stamp, units = {}, 0, 0
  for i = 0, count - 1 do
    local at = unpack_at("<d", value, 22 + (head + i) % slots * 8)
    if at ~= stamp and units > 0 then
      parts[#parts + 1], units = runs_for(log, stamp, units), 0
    end
    stamp, units = at, units + 1
  end
  if units > 0 then parts[#parts + 1] = runs_for(log, stamp, units) end
  local runs = table.concat(parts)
  log.blocked, log.total, log.promised, log.newest, log.old = blocked, count, stamp, stamp, true
  log.ones = #runs / 8 == count
  log.bytes = layout(log, runs, #runs / 8)
end

local function open(key, limit)
  local bytes = call("GETRANGE", key, "0", limit.last_byte)
  local log = { key = key, bytes = bytes, blocked = 0, window = limit.window, promised = 0, newest = 0, reach = 0 }
  log.head, log.count, log.slots, log.total, log.tail = 0, 0, 0, 0, 0
  shape(log, limit.power + 32)
  local first = string.byte(bytes, 1)
  if first == 115 then from_old(log, call("GETRANGE", key, "0", "-1"), limit) end
  if first == 98 and #bytes == 9 then
    local blocked = unpack_at("<d", bytes, 2) -- by rules of another kind
    log.foreign = not (blocked >= 0 and blocked < 2 ^ 53 and blocked == floor(blocked))
    log.blocked = log.foreign and 0 or blocked
    return log
  end
  if first ~= 83 or #bytes < HEADER then
    log.foreign = not log.old and (first or call("GET", key) == "")
    return log
  end
  local power, high
  log.blocked, log.window, log.promised, high, log.newest, log.head, log.count, log.slots, log.total, log.tail, power =
    unpack_at(FORMAT, bytes, 2)
  log.promised, log.reach = log.promised + high % 32 * SPAN, floor(high / 32)
  shape(log, power)
  local length = size(log)
  if #bytes == limit.last_byte + 1 and length > #bytes then
    -- Of the last byte and the one behind it, there is the last one.
    local ends = call("GETRANGE", key, format("%d", length - 1), format("%d", length))
    length = #ends == 1 and #bytes or -1
  end
  log.foreign = log.window ~= limit.window -- by other rules
    or not (log.blocked >= 0) -- not a number
    or power % 16 < 6
    or power > 58
    or length ~= #bytes
    or log.count > log.slots
    or log.head >= max(log.slots, 1)
  return log
end

-- How long the key of a log lives whose newest run is of an instant: to the end of an eighth of a window, and a window
-- more, so that takes of that eighth need not set it again.
local function life_of(log, stamp, limit)
  local step = ceil(limit.window / 8)
  return format("%.0f", ttl_ms(max(stamp - stamp % step + step + limit.window, log.blocked)))
end

-- Makes room for `needed` runs in a log of several pages. Its header is written afterwards.
local function grow(log, needed, limit, ttl)
  local old = size(log)
  if log.head + log.count > log.slots then
    -- Behind the newest run, pages are put in: the one in which the oldest run is, and all behind it, move up. What
    -- stands between is not read before it is written.
    local page, whole = floor(log.head / log.page), 4 + 8 * log.page
    local more = max(ceil((needed - log.slots) / log.page), floor(log.slots / log.page / 8))
    local first, past = HEADER + page * whole, old
    while past > first do
      local from = max(past - 65536, first)
      local bytes = call("GETRANGE", log.key, format("%d", from), format("%d", past - 1))
      call("SETRANGE", log.key, format("%d", from + more * whole), bytes)
      past = from
    end
    log.head, log.slots = log.head + more * log.page, log.slots + more * log.page
  else
    log.slots = room_for(needed, limit.capacity, log.page)
    if old < EXACT then
      local value = read(log, 0, old - 1)
      call("SET", log.key, value .. string.rep("\0\0\0\0", (size(log) - old) / 4), "PX", ttl)
    else
      call("SETRANGE", log.key, format("%d", size(log) - 1), "\0")
    end
  end
  log.bytes = ""
end

-- Writes units of one instant behind the newest run, in places that are there.
local function append(log, stamp, units)
  while units > 0 do
    local slot = slot_of(log, log.count)
    local n = min(log.page - slot % log.page, log.slots - slot, ceil(units / log.most))
    local own, from = min(units, n * log.most), offset(log, slot)
    call("SETRANGE", log.key, format("%d", from), runs_for(log, stamp, own))
    log.tail = (slot % log.page == 0 and 0 or log.tail) + own
    log.count, units, slot = log.count + n, units - own, slot + n
    if slot % log.page == 0 or slot == log.slots then
      local page = from - 8 * ((slot - n) % log.page) - 4
      call("SETRANGE", log.key, format("%d", page), pack("<I4", log.tail))
    end
  end
end

-- Writes a log that lies in the key as version 0.1.0 wrote it.
local function renew(log, limit)
  if log.old then call("SET", log.key, log.bytes, "PX", life_of(log, log.count > 0 and log.newest or now, limit)) end
  log.old = nil
end
