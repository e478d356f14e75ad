-- Exact sliding window (src/algorithms/sliding_window.ts). State: a log of runs in a string of its own, read and written by
-- place. A run is 8 bytes: an instant, of which 48 bits are kept, and up to 65 535 units; where the window is longer than
-- a day and a half, 56 bits and up to 255 units. Runs stand in a ring, in pages: in front of each page are 4 bytes with
-- the units in it, written when the newest run leaves it. In front of all that, the header:
--
-- "S", blocked until (a double), window, latest instant promised to a caller who waits (7 bytes each), place of the
-- oldest run, number of runs, places (4 each), units in all (7), units in the newest run's page (4), and the power of two
-- of a page's length, with 16 added for runs of the second kind.
--
-- A small log is read and written as a whole, which is one command each. Of a large one, what is needed is read.
function algorithms.s()
  local HEADER, FORMAT, SMALL = 47, "<dI7I7I4I4I4I7I4B", 32
  local SPAN, LONG = 2 ^ 48, 2 ^ 37
  local era = now - now % SPAN

  local function shape(log, power)
    log.power, log.wide, log.page = power, power >= 16, 2 ^ (power % 16)
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

  local function newest(log)
    if not log.newest then
      log.newest, log.newest_units = entry(log, log.count - 1)
    end
    return log.newest, log.newest_units
  end

  -- How many runs from the i-th on lie side by side in a page.
  local function beside(log, i)
    local slot = slot_of(log, i)
    return min(log.page - slot % log.page, log.slots - slot, log.count - i)
  end

  -- The first run with which the units from the oldest on reach `need`, or, without `need`, that is later than `before`:
  -- its place, the units in front of it, its instant.
  local function walk(log, need, before)
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
          for j = 1, 8 * some, 8 do
            local stamp, own = decode(log, bytes, j)
            if need and sum + own >= need or not need and stamp > before then return i, sum, stamp end
            i, sum = i + 1, sum + own
          end
          done, some = done + some, some * 8
        end
      end
    end
    return i, sum
  end

  -- How many runs have left the window, and their units.
  local function expired(log, limit)
    if not log.expired then
      log.expired, log.expired_units = 0, 0
      local before = now - limit.window
      if log.count > 0 and newest(log) <= before then
        log.expired, log.expired_units = log.count, log.total
      elseif log.count > 0 then
        log.expired, log.expired_units = walk(log, nil, before)
      end
    end
    return log.expired, log.expired_units
  end

  local function header(log)
    local window, promised, power = log.window, log.promised, log.power
    local places = pack("<I4I4I4I7I4B", log.head, log.count, log.slots, log.total, log.tail, power)
    return "S" .. pack("<dI7I7", log.blocked, window, promised) .. places
  end

  -- What was read of a log no longer holds.
  local function forget(log)
    log.bytes, log.newest, log.expired = "", nil, nil
  end

  -- A log without runs, as the rules want it.
  local function clear(log, limit)
    log.head, log.count, log.slots, log.total, log.tail = 0, 0, 0, 0, 0
    shape(log, limit.power)
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
        for j = 1, #bytes, 8 do
          local _, units = decode(log, bytes, j)
          sum = sum + units
        end
        log.tail = sum
      end
      parts[#parts + 1] = pack("<I4", sum) .. bytes .. string.rep("\0", (past - from) * 8 - #bytes)
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

  -- Places for so many runs: some more than needed, so that a log need not be copied at each call.
  local function room_for(needed, limit)
    local room = needed + floor(needed / 64) + 4
    return needed <= limit.capacity and min(limit.capacity, room) or room
  end

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
    log.blocked, log.total, log.promised, log.old = blocked, count, count > 0 and stamp or 0, true
    log.bytes = layout(log, runs, #runs / 8)
  end

  local function open(key, limit)
    local bytes = call("GETRANGE", key, "0", limit.last_byte)
    local log = { key = key, bytes = bytes, blocked = 0, window = limit.window, promised = 0 }
    log.head, log.count, log.slots, log.total, log.tail = 0, 0, 0, 0, 0
    shape(log, limit.power)
    local first = string.byte(bytes, 1)
    if first == 115 then from_old(log, call("GETRANGE", key, "0", "-1"), limit) end
    if first ~= 83 or #bytes < HEADER then return log end
    local power
    log.blocked, log.window, log.promised, log.head, log.count, log.slots, log.total, log.tail, power =
      unpack_at(FORMAT, bytes, 2)
    shape(log, power)
    local length = size(log)
    if #bytes == limit.last_byte + 1 and length > #bytes then length = length - call("STRLEN", key) + #bytes end
    -- Not what this script wrote: as if nothing were there.
    if power % 16 < 6 or power > 26 or length ~= #bytes or log.count > log.slots or log.head >= max(log.slots, 1) then
      clear(log, limit)
      log.blocked, log.promised, log.window = 0, 0, limit.window
    end
    return log
  end

  -- Makes room for `needed` runs in a log of several pages.
  local function grow(log, needed, limit, ttl)
    local bytes = read(log, 0, size(log) - 1)
    if log.head + log.count <= log.slots then
      log.slots = room_for(needed, limit)
      local value = sub(bytes, HEADER + 1)
      local missing = size(log) - #bytes
      -- In front of a page that begins here stand its units, which are written when it is left.
      call("SET", log.key, header(log) .. value .. string.rep("\0", missing), "PX", ttl)
    else
      -- Behind the newest run, pages are put in: the one in which the oldest run is is split there.
      local page = floor(log.head / log.page)
      local from, past = HEADER + page * (4 + 8 * log.page), HEADER + (page + 1) * (4 + 8 * log.page)
      local more = ceil((needed - log.slots) / log.page)
      local split = sub(bytes, from + 1, past)
      local whole = 4 + 8 * log.page
      local padded = split .. string.rep("\0", whole - #split)
      log.head, log.slots = log.head + more * log.page, log.slots + more * log.page
      local value = sub(bytes, HEADER + 1, from) .. padded .. string.rep("\0", (more - 1) * whole) .. split
      call("SET", log.key, header(log) .. value .. sub(bytes, past + 1), "PX", ttl)
    end
    log.bytes = ""
  end

  -- Writes runs behind the newest one, in places that are there.
  local function append(log, runs)
    local done = 0
    while done < #runs do
      local slot = slot_of(log, log.count)
      local n = min(log.page - slot % log.page, log.slots - slot, (#runs - done) / 8)
      local bytes = sub(runs, done + 1, done + 8 * n)
      if slot % log.page == 0 then log.tail = 0 end
      for j = 1, #bytes, 8 do
        local _, units = decode(log, bytes, j)
        log.tail = log.tail + units
      end
      local from = offset(log, slot)
      call("SETRANGE", log.key, format("%d", from), bytes)
      log.count, done, slot = log.count + n, done + 8 * n, slot + n
      if slot % log.page == 0 or slot == log.slots then
        local page = from - 8 * ((slot - n) % log.page) - 4
        call("SETRANGE", log.key, format("%d", page), pack("<I4", log.tail))
      end
    end
  end

  -- Takes units out of a run that is not empty.
  local function reduce(log, i, stamp, units, less)
    local slot, last = slot_of(log, i), slot_of(log, log.count - 1)
    local from = offset(log, slot)
    call("SETRANGE", log.key, format("%d", from), encode(log, stamp, units - less))
    log.total = log.total - less
    if floor(slot / log.page) == floor(last / log.page) then
      -- In the page where the oldest run is too, the number of its units is that of the newest ones.
      if slot > last then return end
      log.tail = log.tail - less
    end
    local page = from - 8 * (slot % log.page) - 4
    local sum = unpack_at("<I4", call("GETRANGE", log.key, format("%d", page), format("%d", page + 3)), 1)
    call("SETRANGE", log.key, format("%d", page), pack("<I4", max(sum - less, 0)))
  end

  -- Writes the header after corrections. Runs without units at the end are dropped: nobody relies on their instants.
  local function corrected(log)
    forget(log)
    while log.count > 0 do
      local stamp, units = entry(log, log.count - 1)
      log.promised = min(log.promised, stamp)
      if units > 0 then break end
      local slot = slot_of(log, log.count - 1)
      log.count = log.count - 1
      if slot % log.page == 0 then
        local page = log.count > 0 and offset(log, floor(slot_of(log, log.count - 1) / log.page) * log.page) - 4
        log.tail = page and unpack_at("<I4", read(log, page, page + 3), 1) or 0
      end
    end
    if log.count == 0 then
      log.head, log.total, log.tail, log.promised = 0, 0, 0, 0
    end
    call("SETRANGE", log.key, "0", header(log))
  end

  -- Writes a log that lies in the key as version 0.1.0 wrote it.
  local function renew(log, limit)
    if log.old then call("SET", log.key, log.bytes, "PX", ttl_ms(max(newest(log) + limit.window, log.blocked))) end
    log.old = nil
  end

  return {
    open = open,
    read = function()
      local capacity, window = number(), number()
      local power = 6
      while power < 10 and 4 ^ power < capacity do
        power = power + 1
      end
      return {
        capacity = capacity,
        window = window,
        ring = true,
        power = window < LONG and power or power + 16,
        last_byte = HEADER + 4 + 8 * SMALL - 1,
      }
    end,
    earliest = function(log, cost, limit)
      local at = max(now, log.promised)
      local excess = log.total + cost - limit.capacity
      if excess <= 0 then return at end
      local _, _, stamp = walk(log, excess)
      return max(at, stamp + limit.window)
    end,
    measure = function(log, limit)
      local _, left = expired(log, limit)
      local used = log.total - left
      if used == 0 then return 0, 0 end
      return log.promised > now and limit.capacity or used, newest(log) + limit.window - now
    end,
    -- Writes at once: a large log is never read as a whole.
    take = function(log, at, cost, limit)
      local stamp = at
      if log.count > 0 then stamp = max(at, (newest(log))) end
      if at > now then log.promised = stamp end
      local ttl = format("%.0f", ttl_ms(max(stamp + limit.window, log.blocked)))
      renew(log, limit)
      local gone, gone_units = expired(log, limit)
      log.count, log.total, log.window = log.count - gone, log.total - gone_units, limit.window
      if log.count == 0 then
        if log.slots > SMALL and log.power == limit.power then
          log.head, log.tail = 0, 0
        else
          clear(log, limit)
        end
      else
        log.head = slot_of(log, gone)
      end
      -- Units of one instant are one run, as far as it can hold them.
      local added, replaced = cost, nil
      if log.count > 0 and stamp == newest(log) then
        local _, units = newest(log)
        if units < log.most then
          replaced = min(log.most - units, cost)
          added = cost - replaced
        end
      end
      log.total = log.total + cost
      local runs = added > 0 and runs_for(log, stamp, added) or ""
      local needed = log.count + #runs / 8
      if log.slots <= SMALL or (needed > log.slots and log.slots <= log.page) then
        local kept = runs_of(log)
        if replaced then
          local _, units = newest(log)
          kept = sub(kept, 1, -9) .. encode(log, stamp, units + replaced)
        end
        local slots = needed > log.slots and room_for(needed, limit) or log.slots
        log.bytes = layout(log, kept .. runs, slots)
        call("SET", log.key, log.bytes, "PX", ttl)
      else
        if needed > log.slots then grow(log, needed, limit, ttl) end
        if replaced then
          local _, units = newest(log)
          local slot = slot_of(log, log.count - 1)
          log.tail = log.tail + replaced
          local from = offset(log, slot)
          call("SETRANGE", log.key, format("%d", from), encode(log, stamp, units + replaced))
          if (slot + 1) % log.page == 0 or slot + 1 == log.slots then
            local page = from - 8 * (slot % log.page) - 4
            call("SETRANGE", log.key, format("%d", page), pack("<I4", log.tail))
          end
        end
        append(log, runs)
        call("SETRANGE", log.key, "0", header(log))
        call("PEXPIRE", log.key, ttl)
        log.bytes = ""
      end
      log.newest, log.newest_units, log.expired, log.expired_units = stamp, nil, 0, 0
    end,
    give_back = function(log, units, stamp, limit)
      renew(log, limit)
      forget(log)
      local low, high = 0, log.count
      while low < high do
        local middle = floor((low + high) / 2)
        if entry(log, middle) < stamp then
          low = middle + 1
        else
          high = middle
        end
      end
      local given = 0
      for i = low, log.count - 1 do
        local at, own = entry(log, i)
        if at ~= stamp or given == units then break end
        local less = min(units - given, own)
        if less > 0 then reduce(log, i, stamp, own, less) end
        given = given + less
      end
      if given > 0 then corrected(log) end
    end,
    refund = function(log, units, limit)
      renew(log, limit)
      local _, left = expired(log, limit)
      local past = log.total
      if log.count > 0 and newest(log) > now then
        local _, before = walk(log, nil, now)
        past = before
      end
      local forgiven = min(left + units, past)
      if forgiven == 0 then return end
      local i, before, stamp = walk(log, forgiven)
      local _, own = entry(log, i)
      forget(log)
      log.head, log.count, log.total = slot_of(log, i), log.count - i, log.total - before
      reduce(log, 0, stamp, own, forgiven - before)
      corrected(log)
    end,
    -- Until when a key is blocked stands in front of its log.
    block = function(log, limit)
      local until_us = log.blocked
      if log.count > 0 then until_us = max(until_us, newest(log) + limit.window) end
      renew(log, limit)
      if log.slots > 0 then
        call("SETRANGE", log.key, "0", header(log))
        call("PEXPIRE", log.key, format("%.0f", ttl_ms(until_us)))
      elseif log.blocked > now then
        call("SET", log.key, header(log), "PX", format("%.0f", ttl_ms(until_us)))
      else
        call("DEL", log.key)
      end
    end,
  }
end
