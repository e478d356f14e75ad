-- What becomes of states when other rules take over (src/algorithms/take_over.ts): every state is read as runs of
-- units, and states are made from runs.

-- How many units are refilled in a span, the last of them perhaps in part.
local function units_in(debt, limit)
  local units =
    ceil((debt.us + debt.rem / limit.denominator) / (limit.interval_us + limit.interval_rem / limit.denominator))
  local function is_shorter(n)
    local own = span(n, limit)
    return own.us < debt.us or (own.us == debt.us and own.rem < debt.rem)
  end
  while is_shorter(units) do
    units = units + 1
  end
  while units > 0 and not is_shorter(units - 1) do
    units = units - 1
  end
  return units
end

-- The units that still count, oldest first.
function runs_of_state.t(state, limit)
  if state.us < now then return {} end
  local units = units_in({ us = state.us - now, rem = state.rem }, limit)
  return units == 0 and {} or { { at = max(now, given_back().promised_of(state, limit)), units = units } }
end

function runs_of_state.f(state, limit)
  local runs = {}
  for place = 0, window_count(state.windows) - 1 do
    local start, count = window_at(state.windows, place)
    if count > 0 then runs[#runs + 1] = { at = max(start, min(now, start + limit.window - 1)), units = count } end
  end
  return runs
end

function runs_of_state.c(state, limit)
  local runs = {}
  if state.windows == "" then return runs end
  if state.previous > 0 then runs[1] = { at = min(now, first_window(state.windows) - 1), units = state.previous } end
  for place = 0, window_count(state.windows) - 1 do
    local start, count = window_at(state.windows, place)
    local ends = start + limit.window - 1
    if count > 0 then runs[#runs + 1] = { at = start > now and ends or min(now, ends), units = count } end
  end
  return runs
end

function runs_of_state.l(list, limit)
  local runs = {}
  for _, run in ipairs(list.runs) do
    if run.units > 0 and run.at + limit.window > now then runs[#runs + 1] = { at = run.at, units = run.units } end
  end
  return runs
end

-- A bucket made by other rules, under these: no wait takes longer than a full refill, behind what is promised.
local function refills_in_time(state, promised, limit)
  local most = { us = max(now, promised) + limit.burst_us, rem = limit.burst_rem }
  local tat = given_back().shorter(most, state)
  return given_back().new_state(tat.us, tat.rem, state.back, promised, limit, 0)
end

local function from_runs(runs, limit)
  local kernel = limit.kernel
  local state = kernel.fresh()
  for _, run in ipairs(runs) do
    if limit.letter == "t" then
      state = kernel.take(state, run.at, min(run.units, limit.capacity), limit)
    elseif run.at + limit.window > now then
      state = kernel.take(state, run.at, run.units, limit)
    end
  end
  local last = runs[#runs]
  return limit.letter == "t" and refills_in_time(state, last and last.at or 0, limit) or state
end

local function is_better(one, other, limit)
  local least, a, b = limit.burst_us or limit.window, one.burst_us or one.window, other.burst_us or other.window
  if a == b then return one.letter == limit.letter and other.letter ~= limit.letter end
  if a >= least and b >= least then return a < b end
  return a > b
end

-- Which of the old limits knows best what a new one must count.
local function source_of(olds, limit)
  for i, old in ipairs(olds) do
    if old.tag == limit.tag then return i end
  end
  local best = 1
  for i = 2, #olds do
    if is_better(olds[i], olds[best], limit) then best = i end
  end
  return best
end

local function counts_alike(a, b)
  if a.letter ~= "t" or b.letter ~= "t" then return a.letter == b.letter and a.window == b.window end
  return a.interval_us == b.interval_us and a.interval_rem == b.interval_rem and a.denominator == b.denominator
end

local function copy_of(state)
  if not state.runs then return state end
  local copy = { runs = {}, promised = state.promised, reach = state.reach }
  for i, run in ipairs(state.runs) do
    copy.runs[i] = { at = run.at, units = run.units }
  end
  return copy
end

-- The states under other limits.
local function take_over(before, rates)
  local states, reused = {}, {}
  for i, limit in ipairs(rates) do
    local place = source_of(before.rates, limit)
    local old, state = before.rates[place], before.states[place]
    local is_same, is_free = old.tag == limit.tag, not reused[place]
    local runs = is_same and is_free and {} or runs_of_state[old.letter](state, old)
    if is_free and (is_same or counts_alike(old, limit)) then
      reused[place] = true
      states[i] = limit.letter == "t" and not is_same and refills_in_time(state, runs[1] and runs[1].at or 0, limit)
        or copy_of(state)
    else
      states[i] = from_runs(runs, limit)
    end
  end
  return states
end
