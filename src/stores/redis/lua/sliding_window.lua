--[[
Decides a batch of requests over one exact sliding window each. The same decisions as decide.lua makes, in a fraction of
the time: alike requests stand in groups with one header, and on one key in one entry with a count.

KEYS     as for fixed_window.lua
ARGV     as for fixed_window.lua

Returns  as fixed_window.lua
]]
--- @include _clock
local try, tonumber, pack, unpack_at = redis.pcall, tonumber, struct.pack, struct.unpack
--- @include _take_head
--- @include _take_group
local SPAN, EXTENDED = 2 ^ 48, 2 ^ 37
local era, half = now - now % SPAN, now + SPAN / 2

-- How the logs of a group are laid out: the power of two of a page's length, 16 more where runs are of the second kind;
-- the page. Where the window begins, and the step of time, by the end of which a key lives for so many ms.
local power, page, step_us, before, step_from, lives
local function read_layout()
  power, step_us = 6, ceil(window / 8)
  while power < 10 and 4 ^ power < capacity do
    power = power + 1
  end
  page = 2 ^ power
  if window >= EXTENDED then power = power + 16 end
  before, step_from = now - window, now - now % step_us
  lives = format("%.0f", ceil((step_from + step_us - before) / 1000) + ARGV[1])
end

-- One take, and what most of them meet: see fixed_window.lua.
if ARGV[2] == "32" and #KEYS == 1 then
  local key, used = KEYS[1], nil
  cost, capacity, window = ARGV[3] + 0, ARGV[4] + 0, ARGV[5] + 0
  read_layout()
  --- @inline _in_log
  if used then return { now, used, window } end
end

-- What it takes to decide entries of which the short way does nothing: see fixed_window.lua.
local function make_rest()
  --- @include _take_life
  --- @include _reach
  local HEADER, SMALL = 54, 32
  --- @include _run_log_room
  --- @include _sliding_window
  local kernel, limit

  -- The instant of a run near now.
  local function instant(us)
    us = us + era
    if us > half then return us - SPAN end
    if us < now - SPAN / 2 then return us + SPAN end
    return us
  end

  local function begin()
    limit = nil
    read_layout()
  end

  -- Deciding about logs that are not stored as usual, and rare requests, by the work on logs in general.
  local function run_slowly(key, times)
    kernel = kernel or algorithms.s()
    limit = limit or kernel.limit_of(capacity, window)
    local log = kernel.open(key, limit)
    if log.foreign then return "RULES" end
    log = kernel.settle(log, limit, peeks)
    local taken, at, first_at = 0, max(now, log.blocked, kernel.earliest(log, cost, limit)), now
    while taken < times and (at <= now or taken == 0 and at - now <= max_wait) do
      taken, first_at = taken + 1, at
      if peeks then break end
      kernel.take(log, at, cost, limit)
      if taken < times then at = max(now, log.blocked, kernel.earliest(log, cost, limit)) end
    end
    local used, reset = kernel.measure(log, limit)
    if taken == 0 and log.blocked > now then return { 2, at - now, used, reset } end
    if taken > 0 and first_at > now then return { 1, first_at - now, used, reset } end
    return taken, used, reset, taken == times and 0 or at - now
  end

  local function decide_slowly(key, times)
    local done, taken, used, reset, wait = pcall(run_slowly, key, times)
    if done then return taken, used, reset, wait end
    return false, type(taken) == "table" and taken.err or tostring(taken)
  end

  local blocked, promised, ones
  -- What a take changes in a header, where none is promised: all from the newest instant on.
  local CHANGED = "23"
  local function changed(head, count, slots, total, tail)
    return pack("<I7I4I4I4I7I4B", now, head, count, slots, total, tail, ones and power + 32 or power)
  end

  local function header(head, count, slots, total, tail)
    return "S" .. pack("<dI7I7", blocked, window, promised) .. changed(head, count, slots, total, tail)
  end

  -- A log with one more run, at the end of those that are given, all in one page.
  local function write(key, runs, units, total, ...)
    local count = #runs / 8 + 1
    local slots = room_for(count, capacity, page)
    local value = header(0, count, slots, total, total)
      .. pack("<I4", total)
      .. runs
      .. pack("<I6I2", now % SPAN, units)
    return try("SET", key, value .. string.rep("\0", 8 * (slots - count)), "PX", lives, ...)
  end

  local function decide(key, _, times)
    local bytes = try("GETRANGE", key, "0", "313")
    if type(bytes) ~= "string" then return false, bytes.err end
    if peeks or power >= 16 then return decide_slowly(key, times) end
    local taken, units = 1, cost
    if bytes == "" then
      if times > 1 then
        taken = max(min(times, floor(capacity / cost)), 1)
        units = taken * cost
      end
      if units > 65535 then return decide_slowly(key, times) end
      blocked, promised, ones = 0, 0, units == 1
      local done = write(key, "", units, units, "NX")
      if not done then return "RULES" end -- of another program
      if done.err then return false, done.err end
      return taken, units, window, taken == times and 0 or window
    end
    if byte(bytes, 1) ~= 83 or #bytes < HEADER then return decide_slowly(key, times) end

    local length, newest, head, count, slots, total, tail, stored
    blocked, length, promised, newest, head, count, slots, total, tail, stored =
      unpack_at("<dI7I7I7I4I4I4I7I4B", bytes, 2)
    local small = slots <= SMALL and #bytes == HEADER + 4 + 8 * slots
    local plain = length == window and stored % 32 == power and count > 0 and count <= slots and head < slots
    if not plain or newest >= now or not (blocked <= now) or (not small and slots <= SMALL) then
      return decide_slowly(key, times)
    end
    -- No instant behind the newest one is promised.
    local had_promise = promised > 0
    promised = 0
    -- The oldest runs, behind `from`.
    local last, some, oldest = (head + count - 1) % slots, min(slots - head, count), bytes
    local from = HEADER + 4 * (floor(head / page) + 1) + 8 * head
    if not small then
      some = min(16, page - head % page, some)
      if from + 8 * some > #bytes then
        oldest = try("GETRANGE", key, format("%d", from), format("%d", from + 8 * some - 1))
        if #oldest < 8 * some then return decide_slowly(key, times) end
        from = 0
      end
    end

    -- What has left the window.
    local gone, used = 0, total
    while gone < some do
      local us, own = unpack_at("<I6I2", oldest, from + 8 * gone + 1)
      if instant(us) > before then break end
      gone, used = gone + 1, used - own
    end
    if gone == some then return decide_slowly(key, times) end

    local room = capacity - used
    if cost > room then
      -- The run with which enough has left.
      local excess = cost - room
      for i = gone, some - 1 do
        local us, own = unpack_at("<I6I2", oldest, from + 8 * i + 1)
        excess = excess - own
        if excess <= 0 then
          local wait = instant(us) + window - now
          if wait <= max_wait then break end
          return 0, used, newest + window - now, wait
        end
      end
      return decide_slowly(key, times)
    end
    if times > 1 then
      taken = min(times, floor(room / cost))
      units = taken * cost
    end
    if units > 65535 or taken < times then return decide_slowly(key, times) end

    ones = stored >= 32 and units == 1
    local kept, slot = count - gone, (last + 1) % slots
    head = (head + gone) % slots
    used = used + units
    if kept < slots then
      local entry = pack("<I6I2", now % SPAN, units)
      tail = (slot % page == 0 and 0 or tail) + units
      local first, at = had_promise and header or changed, had_promise and "0" or CHANGED
      first = first(head, kept + 1, slots, used, tail)
      local done
      if small then
        -- All up to the new run: one command.
        done = try("SETRANGE", key, at, first .. sub(bytes, HEADER + 1, HEADER + 4 + 8 * slot) .. entry)
      else
        local place = HEADER + 4 * (floor(slot / page) + 1) + 8 * slot
        done = try("SETRANGE", key, format("%d", place), entry)
        if type(done) == "number" then
          if (slot + 1) % page == 0 or slot + 1 == slots then
            try("SETRANGE", key, format("%d", place - 8 * (slot % page) - 4), pack("<I4", tail))
          end
          try("SETRANGE", key, at, first)
        end
      end
      if type(done) ~= "number" then return false, done.err end
      if newest < step_from then try("PEXPIRE", key, lives) end
    elseif small then
      local runs = sub(bytes, HEADER + 5 + 8 * head, HEADER + 4 + 8 * min(slots, head + kept))
      if head + kept > slots then runs = runs .. sub(bytes, HEADER + 5, HEADER + 4 + 8 * (head + kept - slots)) end
      local done = write(key, runs, units, used)
      if done.err then return false, done.err end
    elseif head == 0 then
      -- The places are used up, and none has been used twice: more are put behind them.
      local value = try("GET", key)
      if type(value) ~= "string" then return false, value.err end
      local more = room_for(kept + 1, capacity, page)
      local place, past = HEADER + 4 * (floor(kept / page) + 1) + 8 * kept, HEADER + 4 * ceil(more / page) + 8 * more
      tail = (kept % page == 0 and 0 or tail) + units
      value = header(0, kept + 1, more, used, tail) .. sub(value, HEADER + 1) .. string.rep("\0", place - #value)
      value = value .. pack("<I6I2", now % SPAN, units) .. string.rep("\0", past - place - 8)
      local done = try("SET", key, value, "PX", lives)
      if done.err then return false, done.err end
      if (kept + 1) % page == 0 or kept + 1 == more then
        try("SETRANGE", key, format("%d", place - 8 * (kept % page) - 4), pack("<I4", tail))
      end
    else
      return decide_slowly(key, times)
    end
    return taken, used, window, 0
  end

  --- @include _take_tell
  return tell
end

--- @include _take_rest

local function take_quickly(_, from, past)
  read_layout()
  -- What is around a function is slower to reach than what is in it.
  local KEYS, replies, place_now, now, cost, capacity, window = KEYS, replies, place, now, cost, capacity, window
  local try, pack, unpack_at, floor, format, type = try, pack, unpack_at, floor, format, type
  local power, page, before, step_from, era, half, SPAN = power, page, before, step_from, era, half, SPAN
  for i = from, past do
    local key, used = KEYS[i], nil
    --- @inline _in_log
    if used then
      replies[place_now + 1], replies[place_now + 2] = used, window
      place_now = place_now + 2
    else
      place = place_now
      tell(key, nil, 1)
      place_now = place
    end
  end
  place = place_now
end

local reads = false
--- @include _take_groups
