-- Corrections of a key's state, by operators and by callers who used less than they took.
local give_back, refund = {}, {}
-- By the letters of algorithms, too: the units of a state as runs (_take_over.lua); a function that goes through the
-- numbers by which a section is known, and sets them to what another one makes of them, and how a state is read there and written (_mixed.lua).
local runs_of_state, section_numbers, read_state, written_state = {}, {}, {}, {}

-- How long units take to be refilled.
local function span(units, limit)
  local rem = units * limit.interval_rem
  local carry = floor(rem / limit.denominator)
  return { us = units * limit.interval_us + carry, rem = rem - carry * limit.denominator }
end

local function same(a, b)
  return a.us == b.us and a.rem == b.rem
end

function give_back.t(state, units, mark, limit)
  local part = given_back()
  local trace = mark.trace or { 0, 0, 0, -1, 0 }
  local before, back = { us = trace[1], rem = trace[2] }, state.back or part.NOTHING
  local ends = { us = mark.now + mark.first, rem = mark.second }
  if same(ends, state) and same(before, back) and mark.cost > 0 then
    local all, waits, promised = units >= mark.cost, mark.at > mark.now, state.promised or 0
    local to = part.minus(state, span(units, limit), limit)
    if all and trace[4] >= 0 then to = { us = trace[4], rem = trace[5] } end
    if waits then promised = all and trace[3] or max(promised, mark.at) end
    return part.new_state(to.us, to.rem, part.live(state), promised, limit, part.reach_before(state, limit))
  end
  if part.promised_of(state, limit) > now then return state end
  local share = part.plus(ends, before, limit).us
  if share > part.plus(state, back, limit).us then return state end
  local stands = part.shorter(part.minus(ends, part.in_front(back, share, before, limit), limit), state)
  if stands.us < now then return state end
  local cut = part.shorter(span(units, limit), { us = stands.us - now, rem = stands.rem })
  if cut.us == 0 and cut.rem == 0 then return state end
  return part.with_returned(state, cut, share, 0, limit)
end
function refund.t(state, units, limit)
  local part = given_back()
  if state.us < now then return part.new_state(now, 0, part.live(state), state.promised or 0, limit, state.reach) end
  local cut = part.shorter(span(units, limit), { us = state.us - now, rem = state.rem })
  if cut.us == 0 and cut.rem == 0 then return state end
  return part.with_returned(state, cut, 0, part.promised_of(state, limit), limit)
end

-- The place of the window that starts at an instant, or, without `exact`, of the last that starts no later; else nil.
local function find_window(windows, start, exact)
  local low, high = 0, window_count(windows)
  while low < high do
    local middle = floor((low + high) / 2)
    if window_at(windows, middle) <= start then
      low = middle + 1
    else
      high = middle
    end
  end
  if low > 0 and (not exact or window_at(windows, low - 1) == start) then return low - 1 end
end

-- Takes units out of the window at a place, as many as it has. Returns the windows, and how many units are left.
local function subtract_units(windows, place, units)
  local start, count = window_at(windows, place)
  local taken = min(units, count)
  return with_count(windows, place, start, count - taken), units - taken
end

-- Drops windows at the end in which nothing is taken any more.
local function trim(windows)
  while windows ~= "" do
    local _, count = last_window(windows)
    if count > 0 then break end
    windows = sub(windows, 1, -WINDOW_SIZE - 1)
  end
  return windows
end

function give_back.f(state, units, mark, limit)
  local place = find_window(state.windows, mark.now + mark.second - limit.window, true)
  if place then state.windows = trim(subtract_units(state.windows, place, units)) end
  return with_reach(state, limit, state.reach)
end
function refund.f(state, units, limit)
  local place = find_window(state.windows, now)
  if place then state.windows = trim(subtract_units(state.windows, place, units)) end
  return with_reach(state, limit, state.reach)
end

-- What fades in the first window stays where it is dropped itself.
local function trimmed(previous, windows, limit)
  local kept = trim(windows)
  if kept == "" and previous > 0 and windows ~= "" then
    return { previous = 0, windows = pack(WINDOW, first_window(windows) - limit.window, previous) }
  end
  return { previous = previous, windows = kept }
end
function give_back.c(state, units, mark, limit)
  local start = mark.now + mark.second - 2 * limit.window
  local previous, windows = state.previous, state.windows
  local place = find_window(windows, start, true)
  if place then
    windows = subtract_units(windows, place, units)
  elseif windows ~= "" and first_window(windows) == start + limit.window then
    previous = max(previous - units, 0)
  end
  return with_reach(trimmed(previous, windows, limit), limit, state.reach)
end
function refund.c(state, units, limit)
  local previous, windows = state.previous, state.windows
  local place, left = find_window(windows, now), nil
  if not place then return with_reach(state, limit, state.reach) end
  windows, left = subtract_units(windows, place, units)
  if place > 0 then
    windows = subtract_units(windows, place - 1, left)
  else
    previous = max(previous - left, 0)
  end
  return with_reach(trimmed(previous, windows, limit), limit, state.reach)
end

local logs = kernels.s and kernels.s.corrections()
function give_back.s(log, units, mark, limit)
  logs.give_back(log, units, mark.now + mark.second - limit.window, limit)
end
function refund.s(log, units, limit)
  logs.refund(log, units, limit)
end
