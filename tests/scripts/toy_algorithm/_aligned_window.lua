-- Aligned window (src/algorithms/aligned_window/kernel.ts). State: { start, count }. Stored as the window's length,
-- in 7 bytes, and two doubles.
local function aligned_start(at, limit)
  return floor(at / limit.window) * limit.window
end
function algorithms.a()
  return {
    letter = "A",
    old_size = 0,
    read = function()
      return { capacity = number(), window = number() }
    end,
    fresh = function()
      return { start = 0, count = 0 }
    end,
    settle = function(state)
      return state
    end,
    earliest = function(state, cost, limit)
      local open = max(aligned_start(now, limit), state.start)
      local fits = open > state.start or state.count + cost <= limit.capacity
      return max(now, fits and open or open + limit.window)
    end,
    take = function(state, at, cost, limit)
      local start = aligned_start(at, limit)
      return { start = start, count = start == state.start and state.count + cost or cost }
    end,
    measure = function(state, limit)
      local reset = state.start + limit.window - now
      if state.count == 0 or reset <= 0 then return 0, 0 end
      return state.start > now and limit.capacity or state.count, reset
    end,
    fresh_from = function(state, limit)
      return state.count == 0 and 0 or state.start + limit.window
    end,
    decode = function(value, from)
      local start, count = unpack_at("<dd", value, from + 7)
      return { start = start, count = count }
    end,
    encode = function(state, limit)
      return pack("<I7dd", limit.window, state.start, state.count)
    end,
  }
end
