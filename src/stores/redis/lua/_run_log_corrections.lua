-- Corrections of a log of runs (_run_log.lua).
-- Writes runs of one page, from a place on, that hold so many units less than before.
local function reduce(log, i, runs, less)
  local slot, last = slot_of(log, i), slot_of(log, log.count - 1)
  local from = offset(log, slot)
  call("SETRANGE", log.key, format("%d", from), runs)
  log.total, log.ones = log.total - less, false
  if floor(slot / log.page) == floor(last / log.page) then
    -- In the page where the oldest run is too, the number of its units is that of the newest ones.
    if slot > last then return end
    log.tail = log.tail - less
  end
  local page = from - 8 * (slot % log.page) - 4
  local sum = unpack_at("<I4", call("GETRANGE", log.key, format("%d", page), format("%d", page + 3)), 1)
  call("SETRANGE", log.key, format("%d", page), pack("<I4", max(sum - less, 0)))
end

-- How many of the newest runs hold no units, as far as they lie in one page. The newest one holds none.
local function empty_at_end(log, slot)
  local most = min(slot % log.page + 1, log.count)
  if log.tail == 0 then return most end
  local from, n = offset(log, slot - most + 1), 1
  local bytes = read(log, from, offset(log, slot) + 7)
  while n < most do
    local _, units = decode(log, bytes, 8 * (most - n) - 7)
    if units > 0 then break end
    n = n + 1
  end
  return n
end

-- Writes the header after corrections. Runs without units at the end are dropped: no call relies on their instants.
local function corrected(log, limit)
  forget(log)
  while log.count > 0 do
    local stamp, units = entry(log, log.count - 1)
    log.promised, log.newest = min(log.promised, stamp), stamp
    if units > 0 then break end
    local slot = slot_of(log, log.count - 1)
    local n = empty_at_end(log, slot)
    log.count = log.count - n
    if slot % log.page == n - 1 then
      local page = log.count > 0 and offset(log, floor(slot_of(log, log.count - 1) / log.page) * log.page) - 4
      log.tail = page and unpack_at("<I4", read(log, page, page + 3), 1) or 0
    end
  end
  if log.count == 0 then
    log.head, log.total, log.tail, log.promised, log.newest, log.ones = 0, 0, 0, 0, 0, true
  end
  promise(log, log.promised, limit)
  call("SETRANGE", log.key, "0", header(log))
end

-- Takes units out of the runs of an instant that others begin with, in bytes. Returns those that change, and how many units
-- are taken.
local function without(log, runs, stamp, units)
  local n, taken, empty = 0, 0, encode(log, stamp, 0)
  if decode(log, runs, #runs - 7) == stamp then
    local all = units_of(log, runs)
    if all <= units then return string.rep(empty, #runs / 8), all end
  end
  while taken < units and 8 * n < #runs do
    local at, own = decode(log, runs, 8 * n + 1)
    if at ~= stamp then break end
    if own > units - taken then return string.rep(empty, n) .. encode(log, stamp, own - units + taken), units end
    n, taken = n + 1, taken + own
  end
  return string.rep(empty, n), taken
end

local function give_back_runs(log, units, stamp, limit)
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
  while low < log.count and given < units do
    local n, from = beside(log, low), offset(log, slot_of(log, low))
    local runs, less = without(log, read(log, from, from + 8 * n - 1), stamp, units - given)
    if less > 0 then reduce(log, low, runs, less) end
    if #runs < 8 * n then n = log.count end
    given, low = given + less, low + n
  end
  if given > 0 then corrected(log, limit) end
end
local function refund_runs(log, units, limit)
  renew(log, limit)
  local _, left = expired(log, limit)
  local past = log.total
  if log.count > 0 and log.newest > now then
    local _, before = walk(log, nil, now)
    past = before
  end
  local forgiven = min(left + units, past)
  if forgiven == 0 then return end
  local i, before, stamp = walk(log, forgiven)
  local _, own = entry(log, i)
  forget(log)
  log.head, log.count, log.total = slot_of(log, i), log.count - i, log.total - before
  reduce(log, 0, encode(log, stamp, own - forgiven + before), forgiven - before)
  corrected(log, limit)
end
-- Until when a key is blocked stands in front of its log.
local function block_runs(log, limit)
  local life = life_of(log, log.count > 0 and log.newest or now - 2 * limit.window, limit)
  renew(log, limit)
  if log.slots > 0 then
    call("SETRANGE", log.key, "0", header(log))
    call("PEXPIRE", log.key, life)
  elseif log.blocked > now then
    call("SET", log.key, header(log), "PX", life)
  else
    call("DEL", log.key)
  end
end
