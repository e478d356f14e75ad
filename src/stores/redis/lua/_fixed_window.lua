-- Fixed window (src/algorithms/fixed_window/kernel.ts). State: { windows }. Stored as the window's length, in 7 bytes,
-- and the windows (_windows.lua); one window, by fixed_window.lua, as an integer (_short_window.lua). By version 0.1.0:
-- two doubles, start and count.
--- @include _short_window

function algorithms.f()
  return {
    letter = "F",
    head = 7,
    read = function()
      return { capacity = number(), window = number(), factor = number() }
    end,
    fresh = function()
      return { windows = "", reach = 0 }
    end,
    settle = settle_windows,
    earliest = function(state, cost, limit)
      if state.windows == "" then return now end
      local start, count = last_window(state.windows)
      if count + cost <= limit.capacity then return max(now, start) end
      return max(now, start + limit.window)
    end,
    take = function(state, at, cost, limit)
      local windows = state.windows
      if windows == "" then return with_reach({ windows = pack(WINDOW, at, cost) }, limit, 0) end
      local start, count = last_window(windows)
      if at < start + limit.window then
        windows = with_count(windows, window_count(windows) - 1, start, count + cost)
      else
        windows = windows .. pack(WINDOW, at, cost)
      end
      while first_window(windows) + limit.window <= now do
        windows = sub(windows, WINDOW_SIZE + 1)
      end
      return with_reach({ windows = windows }, limit, state.reach)
    end,
    measure = function(state, limit)
      if state.windows == "" then return 0, 0 end
      local start, count = last_window(state.windows)
      local reset = start + limit.window - now
      if reset <= 0 then return 0, 0 end
      if start > now then return limit.capacity, reset end
      return count, reset
    end,
    fresh_from = function(state, limit)
      if state.windows == "" then return 0 end
      local start = last_window(state.windows)
      return start + limit.window
    end,
    decode = function(value, from, to)
      local windows, reach = stored_windows(value, from + 7, to)
      return { windows = windows, reach = reach }
    end,
    is_short = is_short,
    decode_short = function(value, factor)
      local start, count = read_short(value, factor)
      return { windows = pack(WINDOW, start, count), reach = 0 }
    end,
    old_size = 16,
    decode_old = function(value, from)
      return { windows = old_window(unpack_at("<dd", value, from)), reach = 0 }
    end,
    encode = function(state, limit)
      return pack("<I7", limit.window) .. windows_to_store(state)
    end,
  }
end
