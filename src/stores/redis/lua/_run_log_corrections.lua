-- Corrections of a log of runs (_run_log.lua).
-- Takes units out of a run that is not empty.
local function reduce(log, i, stamp, units, less)
  local slot, last = slot_of(log, i), slot_of(log, log.count - 1)
  local from = offset(log, slot)
  call("SETRANGE", log.key, format("%d", from), encode(log, stamp, units - less))
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

-- Writes the header after corrections. Runs without units at the end are dropped: no call relies on their instants.
local function corrected(log, limit)
  forget(log)
  while log.count > 0 do
    local stamp, units = entry(log, log.count - 1)
    log.promised, log.newest = min(log.promised, stamp), stamp
    if units > 0 then break end
    local slot = slot_of(log, log.count - 1)
    log.count = log.count - 1
    if slot % log.page == 0 then
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
  for i = low, log.count - 1 do
    local at, own = entry(log, i)
    if at ~= stamp or given == units then break end
    local less = min(units - given, own)
    if less > 0 then reduce(log, i, stamp, own, less) end
    given = given + less
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
  reduce(log, 0, stamp, own, forgiven - before)
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
