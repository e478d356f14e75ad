-- Corrections of a key's state, by operators and by callers who used less than they took.
local give_back, refund = {}, {}

local function subtract(state, us, rem, limit)
  us, rem = state.us - us, state.rem - rem
  if rem >= 0 then return { us = us, rem = rem } end
  return { us = us - 1, rem = rem + limit.denominator }
end

local function retreat(state, units, limit)
  local rem = units * limit.interval_rem
  local carry = floor(rem / limit.denominator)
  return subtract(state, units * limit.interval_us + carry, rem - carry * limit.denominator, limit)
end

function give_back.t(state, units, mark, limit)
  local left_us = mark.now + mark.first - now
  if left_us < 0 or state.us < now then return state end
  local last = state.us == now + left_us and state.rem == mark.second
  local borrow = state.rem < limit.burst_rem and 1 or 0
  if not last and state.us - limit.burst_us - borrow >= now then return state end
  local back = retreat(state, units, limit)
  local least = subtract(state, left_us, mark.second, limit)
  local too_far = back.us < least.us or (back.us == least.us and back.rem < least.rem)
  return too_far and least or back
end
function refund.t(state, units, limit)
  local back = retreat(state, units, limit)
  return back.us < now and { us = now, rem = 0 } or back
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
  return state
end
function refund.f(state, units)
  local place = find_window(state.windows, now)
  if place then state.windows = trim(subtract_units(state.windows, place, units)) end
  return state
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
  return trimmed(previous, windows, limit)
end
function refund.c(state, units, limit)
  local previous, windows = state.previous, state.windows
  local place, left = find_window(windows, now), nil
  if not place then return state end
  windows, left = subtract_units(windows, place, units)
  if place > 0 then
    windows = subtract_units(windows, place - 1, left)
  else
    previous = max(previous - left, 0)
  end
  return trimmed(previous, windows, limit)
end

local logs = kernels.s and kernels.s.corrections()
function give_back.s(log, units, mark, limit)
  logs.give_back(log, units, mark.now + mark.second - limit.window, limit)
end
function refund.s(log, units, limit)
  logs.refund(log, units, limit)
end
