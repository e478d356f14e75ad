-- A log is given so many places that its string fills what the allocator reserves for it: sizes are a quarter of a
-- power of two apart. So it need not be copied at each call. A log of EXACT bytes and more gets a few places only:
-- Redis reserves more for it than it wants.
local EXACT = 2 ^ 17

-- Places for so many runs and a few more, but no more than the limit can need.
local function room_for(needed, capacity, page)
  local room = needed + floor(needed / 64) + 4
  local bytes = HEADER + 10 + 4 * ceil(room / page) + 8 * room
  if bytes < EXACT then
    local _, power = math.frexp(bytes - 1)
    local step = max(2 ^ (power - 3), 16)
    local left = ceil(bytes / step) * step - HEADER - 10
    local whole = floor(left / (4 + 8 * page))
    room = max(whole * page + floor((left - whole * (4 + 8 * page) - 4) / 8), room)
  end
  return needed <= capacity and min(capacity, room) or room
end
