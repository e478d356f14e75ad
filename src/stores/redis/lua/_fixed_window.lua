-- Fixed window (src/algorithms/fixed_window.ts). State: { start, count }. Stored as two doubles.
function algorithms.f()
  return {
    read = function()
      return { capacity = number(), window = number() }
    end,
    fresh = function()
      return { start = 0, count = 0 }
    end,
    earliest = function(state, cost, limit)
      if state.count + cost <= limit.capacity then return max(now, state.start) end
      return max(now, state.start + limit.window)
    end,
    take = function(state, at, cost, limit)
      if at < state.start + limit.window then return { start = state.start, count = state.count + cost } end
      return { start = at, count = cost }
    end,
    measure = function(state, limit)
      local reset = state.start + limit.window - now
      if reset <= 0 then return 0, 0 end
      if state.start > now then return limit.capacity, reset end
      return state.count, reset
    end,
    fresh_from = function(state, limit)
      return state.start + limit.window
    end,
    size = 16,
    decode = function(value, from)
      local start, count = unpack_at("<dd", value, from)
      return { start = start, count = count }
    end,
    encode = function(state)
      return pack("<dd", state.start, state.count)
    end,
  }
end
