-- The runs of an exact sliding window as a list (src/algorithms/sliding_window/kernel.ts), for states that are packed
-- with those of other rules. State: { runs, promised, reach }; a run is { at, units }.

-- The units of the runs that were taken at an instant or before.
local function units_until(list, at)
  local sum = 0
  for _, run in ipairs(list.runs) do
    if run.at <= at then sum = sum + run.units end
  end
  return sum
end

local function newest_of(list)
  local last = list.runs[#list.runs]
  return last and last.at or 0
end

-- Drops units from the oldest on.
local function drop_units(list, units)
  local left = units
  while left > 0 and list.runs[1] do
    local first = list.runs[1]
    local less = min(left, first.units)
    first.units, left = first.units - less, left - less
    if first.units == 0 then table.remove(list.runs, 1) end
  end
end

-- Remembers a promised instant as long as it lies ahead.
local function promise_of_list(list, at, limit)
  local before = list.promised > now and list.reach or 0
  list.promised = at > now and at or 0
  list.reach = at > now and reach_of(at - now, limit.window, before) or 0
  return list
end

-- Drops what is empty at the end: no call relies on its instant.
local function drop_empty(list, limit)
  while list.runs[1] and list.runs[#list.runs].units == 0 do
    table.remove(list.runs)
  end
  return promise_of_list(list, min(list.promised, newest_of(list)), limit)
end

-- What stands later than this clock can have written it is one run.
local function settle_list(list, limit)
  local newest = newest_of(list)
  local latest = max(now, min(list.promised, latest_promise(list.reach, limit.window)))
  if newest <= latest then return list end
  local settled, later = { runs = {}, promised = list.promised, reach = list.reach }, 0
  for _, run in ipairs(list.runs) do
    if run.at <= latest then
      settled.runs[#settled.runs + 1] = { at = run.at, units = run.units }
    else
      later = later + run.units
    end
  end
  later = min(later, limit.capacity or later)
  local last = settled.runs[#settled.runs]
  if last and last.at == latest then
    last.units = last.units + later
  else
    settled.runs[#settled.runs + 1] = { at = latest, units = later }
  end
  return promise_of_list(settled, latest, limit)
end

local run_list = {
  fresh = function()
    return { runs = {}, promised = 0, reach = 0 }
  end,
  settle = settle_list,
  earliest = function(list, cost, limit)
    local at = max(now, list.promised)
    local excess = units_until(list, 1 / 0) + cost - limit.capacity
    for _, run in ipairs(list.runs) do
      if excess <= 0 then break end
      excess = excess - run.units
      if excess <= 0 then at = max(at, run.at + limit.window) end
    end
    return at
  end,
  take = function(list, at, cost, limit)
    local stamp = max(at, newest_of(list))
    drop_units(list, units_until(list, now - limit.window))
    local last = list.runs[#list.runs]
    if last and last.at == stamp then
      last.units = last.units + cost
    else
      list.runs[#list.runs + 1] = { at = stamp, units = cost }
    end
    return promise_of_list(list, at > now and stamp or list.promised, limit)
  end,
  measure = function(list, limit)
    local used = units_until(list, 1 / 0) - units_until(list, now - limit.window)
    if used == 0 then return 0, 0 end
    return list.promised > now and limit.capacity or used, newest_of(list) + limit.window - now
  end,
  fresh_from = function(list, limit)
    return list.runs[1] and newest_of(list) + limit.window or 0
  end,
}

function give_back.l(list, units, mark, limit)
  for _, run in ipairs(list.runs) do
    if run.at == mark.now + mark.second - limit.window then run.units = max(run.units - units, 0) end
  end
  return drop_empty(list, limit)
end
function refund.l(list, units, limit)
  drop_units(list, min(units_until(list, now - limit.window) + units, units_until(list, now)))
  return drop_empty(list, limit)
end
