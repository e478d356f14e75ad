-- Sliding window counter (src/algorithms/sliding_window_counter/kernel.ts). State: { previous, windows }. Stored as
-- the window's length in 7 bytes, the power of ten of its step in one, `previous` in 4, and the windows
-- (_windows.lua). By version 0.1.0: three doubles, start, previous and current.
function algorithms.c()
  -- Units taken in the window right before the one at a place.
  local function count_before(state, place, limit)
    if place == 0 then return state.previous end
    local start, count = window_at(state.windows, place - 1)
    return start + limit.window == window_at(state.windows, place) and count or 0
  end

  -- The last two windows as they stand at an instant: the start of the later one, and what was taken in each.
  local function roll(state, at, limit)
    if state.windows == "" then return at, 0, 0 end
    local start, count = last_window(state.windows)
    if at < start + limit.window then
      return start, count_before(state, window_count(state.windows) - 1, limit), count
    end
    if at < start + 2 * limit.window then return start + limit.window, count, 0 end
    return at, 0, 0
  end

  -- How far into a window `units` of the one before have faded to `room`; past its end if they never do.
  local function fades(units, room, limit)
    if room < 0 then return limit.window + 1 end
    if units <= room then return 0 end
    local steps = limit.window / limit.step
    return (steps - floor(room * steps / units)) * limit.step
  end

  -- Whether the first window has ended, and, unless the next one continues it as its `previous`, has faded out.
  local function has_faded(windows, limit)
    local start = first_window(windows)
    local continued = window_count(windows) > 1 and window_at(windows, 1) == start + limit.window
    return start + (continued and 1 or 2) * limit.window <= now
  end

  return {
    letter = "C",
    head = 12,
    read = function()
      return { capacity = number(), window = number(), step = number() }
    end,
    fresh = function()
      return { previous = 0, windows = "", reach = 0 }
    end,
    settle = settle_windows,
    earliest = function(state, cost, limit)
      local start, previous, current = roll(state, now, limit)
      local room_us = fades(previous, limit.capacity - cost - current, limit)
      if room_us <= limit.window then return max(now, start + room_us) end
      return max(now, start + limit.window + fades(current, limit.capacity - cost, limit))
    end,
    take = function(state, at, cost, limit)
      local taken = { previous = state.previous, windows = state.windows }
      local start, count
      if taken.windows ~= "" then
        start, count = last_window(taken.windows)
      end
      if start and at < start + limit.window then
        taken.windows = with_count(taken.windows, window_count(taken.windows) - 1, start, count + cost)
      else
        start = roll(state, at, limit)
        taken.windows = taken.windows .. pack(WINDOW, start, cost)
      end
      while has_faded(taken.windows, limit) do
        taken.previous = count_before(taken, 1, limit)
        taken.windows = sub(taken.windows, WINDOW_SIZE + 1)
      end
      return with_reach(taken, limit, state.reach)
    end,
    measure = function(state, limit)
      if state.windows == "" then return 0, 0 end
      local last = last_window(state.windows)
      local reset = last + 2 * limit.window - now
      if reset <= 0 then return 0, 0 end
      if last > now then return limit.capacity, reset end
      local start, previous, current = roll(state, now, limit)
      local steps = limit.window / limit.step
      local left = steps - floor((now - start) / limit.step)
      return ceil(previous * left / steps) + current, reset
    end,
    fresh_from = function(state, limit)
      if state.windows == "" then return 0 end
      local start = last_window(state.windows)
      return start + 2 * limit.window
    end,
    decode = function(value, from, to)
      local windows, reach = stored_windows(value, from + 12, to)
      if windows == "" then return { previous = 0, windows = "", reach = 0 } end
      return { previous = unpack_at("<I4", value, from + 8), windows = windows, reach = reach }
    end,
    old_size = 24,
    decode_old = function(value, from)
      local start, previous, current = unpack_at("<ddd", value, from)
      if not (previous > 0 and previous < 2 ^ 32) then previous = 0 end
      if current > 0 or previous == 0 then
        return { previous = previous, windows = old_window(start, current), reach = 0 }
      end
      return { previous = previous, windows = pack(WINDOW, start, 0), reach = 0 }
    end,
    encode = function(state, limit)
      local power = #format("%.0f", limit.step) - 1
      return pack("<I7BI4", limit.window, power, state.previous) .. windows_to_store(state)
    end,
  }
end
