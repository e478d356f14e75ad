-- Windows that follow one another (src/algorithms/windows.ts), as bytes: 11 for each, its start and its count. The bytes
-- are never gone through: what is needed of them is the first window, the last one, or one that is searched for.
local WINDOW, WINDOW_SIZE = "<I7I4", 11

local function window_count(bytes)
  return #bytes / WINDOW_SIZE
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

-- The length of windows that are stored from `from` to `to`, without which they are read as none.
local function stored_windows(value, from, to)
  local bytes = sub(value, from, to)
  return #bytes % WINDOW_SIZE == 0 and bytes or ""
end
