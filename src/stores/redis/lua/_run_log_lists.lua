-- A log of runs (_run_log.lua) as a list (_run_list.lua), and the other way round.
local function read_list(log)
  local list, bytes = { runs = {}, promised = log.promised, reach = log.reach }, runs_of(log)
  for from = 1, #bytes, 8 do
    local at, units = decode(log, bytes, from)
    local last = list.runs[#list.runs]
    if last and last.at == at then
      last.units = last.units + units
    elseif units > 0 then
      list.runs[#list.runs + 1] = { at = at, units = units }
    end
  end
  return list
end

local function write_list(key, list, limit, blocked)
  local log, parts = { key = key, blocked = blocked, window = limit.window, promised = list.promised }, {}
  log.reach = list.reach
  clear(log, limit)
  for i, run in ipairs(list.runs) do
    parts[i] = runs_for(log, run.at, run.units)
    log.total, log.newest = log.total + run.units, run.at
  end
  local runs = table.concat(parts)
  log.ones = log.total == #runs / 8
  log.bytes = layout(log, runs, #runs / 8)
  if log.count > 0 or blocked > now then
    call("SET", key, log.bytes, "PX", life_of(log, log.count > 0 and log.newest or now - 2 * limit.window, limit))
  else
    call("PEXPIRE", key, "0")
  end
  return log
end
