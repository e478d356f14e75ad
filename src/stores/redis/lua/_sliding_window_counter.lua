-- Sliding window counter (src/algorithms/sliding_window_counter.ts). State: { start, previous, current }, three doubles.
function algorithms.c()
  local function roll(state, at, limit)
    if at < state.start + limit.window then return state end
    if at < state.start + 2 * limit.window then
      return { start = state.start + limit.window, previous = state.current, current = 0 }
    end
    return { start = at, previous = 0, current = 0 }
  end

  -- How far into a window `units` of the one before have faded to `room`; past its end if they never do.
  local function fades(units, room, limit)
    if room < 0 then return limit.window + 1 end
    if units <= room then return 0 end
    local steps = limit.window / limit.step
    return (steps - floor(room * steps / units)) * limit.step
  end

  return {
    read = function()
      return { capacity = number(), window = number(), step = number() }
    end,
    fresh = function()
      return { start = 0, previous = 0, current = 0 }
    end,
    earliest = function(state, cost, limit)
      local s = roll(state, now, limit)
      local room_us = fades(s.previous, limit.capacity - cost - s.current, limit)
      if room_us <= limit.window then return max(now, s.start + room_us) end
      return max(now, s.start + limit.window + fades(s.current, limit.capacity - cost, limit))
    end,
    take = function(state, at, cost, limit)
      local s = roll(state, at, limit)
      return { start = s.start, previous = s.previous, current = s.current + cost }
    end,
    measure = function(state, limit)
      local fresh_from = state.start + 2 * limit.window
      if fresh_from <= now then return 0, 0 end
      if state.start > now then return limit.capacity, fresh_from - now end
      local s = roll(state, now, limit)
      local steps = limit.window / limit.step
      local left = steps - floor((now - s.start) / limit.step)
      return ceil(s.previous * left / steps) + s.current, fresh_from - now
    end,
    fresh_from = function(state, limit)
      return state.start + 2 * limit.window
    end,
    size = 24,
    decode = function(value, from)
      local start, previous, current = unpack_at("<ddd", value, from)
      return { start = start, previous = previous, current = current }
    end,
    encode = function(state)
      return pack("<ddd", state.start, state.previous, state.current)
    end,
  }
end
