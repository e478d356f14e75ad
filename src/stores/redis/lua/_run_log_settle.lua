-- A log of runs (_run_log.lua) after the clock has stepped back.

-- Remembers a promised instant as long as it lies ahead.
local function promise(log, at, limit)
  local before = log.promised > now and log.reach or 0
  log.promised = at > now and at or 0
  log.reach = at > now and reach_of(at - now, limit.window, before) or 0
end

-- The units of the runs in the page of the i-th, up to that one.
local function units_up_to(log, i)
  local slot = slot_of(log, i)
  return units_of(log, read(log, offset(log, slot - slot % log.page), offset(log, slot) + 7))
end

-- What stands later than this clock can have written it is one run (settle in sliding_window/kernel.ts): written, or,
-- for a peek, `before` tells the units in front of it.
local function settle_runs(log, limit, peeks)
  if log.newest <= now then return log end
  local latest = max(now, min(log.promised, latest_promise(log.reach, limit.window)))
  if log.newest <= latest then return log end
  local i, before = walk(log, nil, latest)
  local units = min(log.total - before, limit.capacity)
  log.count, log.newest = i, latest
  promise(log, latest, limit)
  if peeks then
    log.total, log.before = before + units, before
    return log
  end
  renew(log, limit)
  log.total, log.ones = before + units, log.ones and units == 1
  if i == 0 then log.head = 0 end
  log.tail = i == 0 and 0 or units_up_to(log, i - 1)
  log.bytes = ""
  append(log, latest, units)
  call("SETRANGE", log.key, "0", header(log))
  call("PEXPIRE", log.key, life_of(log, latest, limit))
  return log
end
