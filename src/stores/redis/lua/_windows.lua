-- Windows that follow one another (src/algorithms/windows.ts), as bytes: 11 for each, its start and its count. The
-- highest three bits of the first start are stored as the reach (_reach.lua): how far ahead that window was promised
-- to start. The bytes are never gone through: what is needed of them is the first window, the last one, or one that is
-- searched for.
local WINDOW, WINDOW_SIZE = "<I7I4", 11

local function window_count(bytes)
  return #bytes / WINDOW_SIZE
end

-- Whether so many bytes are whole windows behind so many others, which say by what rules they are.
local function are_windows(size, head)
  return size >= head and (size - head) % WINDOW_SIZE == 0
end

-- The start and the count of the window at a place.
local function window_at(bytes, place)
  return unpack_at(WINDOW, bytes, place * WINDOW_SIZE + 1)
end

local function first_window(bytes)
  return unpack_at(WINDOW, bytes, 1)
end

local function last_window(bytes)
  return unpack_at(WINDOW, bytes, #bytes - WINDOW_SIZE + 1)
end

-- The bytes with another count in the window at a place.
local function with_count(bytes, place, start, count)
  local from = place * WINDOW_SIZE
  return sub(bytes, 1, from) .. pack(WINDOW, start, count) .. sub(bytes, from + WINDOW_SIZE + 1)
end

-- The bytes of windows as they were stored by version 0.1.0: one start and one count, as doubles.
local function old_window(start, count)
  if not (start >= 0 and start < 2 ^ 53 and count > 0 and count < 2 ^ 32) then return "" end
  return pack(WINDOW, start, count)
end

-- The windows that are stored from `from` to `to`, and the reach of the first.
local function stored_windows(value, from, to)
  local bytes = sub(value, from, to)
  if bytes == "" or #bytes % WINDOW_SIZE > 0 then return "", 0 end
  local high = string.byte(bytes, 7)
  if high < 32 then return bytes, 0 end
  return sub(bytes, 1, 6) .. string.char(high % 32) .. sub(bytes, 8), floor(high / 32)
end

-- The same windows as they are stored.
local function windows_to_store(state)
  local bytes = state.windows
  if state.reach == 0 then return bytes end
  return sub(bytes, 1, 6) .. string.char(string.byte(bytes, 7) + 32 * state.reach) .. sub(bytes, 8)
end

-- A state with the reach of its first window; 0 where that has opened.
local function with_reach(state, limit, before)
  local wait = state.windows == "" and 0 or first_window(state.windows) - now
  state.reach = wait > 0 and reach_of(wait, limit.window, before) or 0
  return state
end

-- The windows as they stand after a step back of the clock (settle_windows in windows.ts).
local function settle_windows(state, limit)
  local bytes = state.windows
  local back = bytes == "" and 0 or first_window(bytes) - latest_promise(state.reach, limit.window)
  if back <= 0 then return state end
  local moved = {}
  for place = 0, window_count(bytes) - 1 do
    local start, count = window_at(bytes, place)
    moved[place + 1] = pack(WINDOW, start - back, count)
  end
  return with_reach({ previous = state.previous, windows = table.concat(moved) }, limit, state.reach)
end
