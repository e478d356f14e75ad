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

function refund.f(state, units)
  return { start = state.start, count = max(state.count - units, 0) }
end
function give_back.f(state, units, mark, limit)
  if state.start + limit.window ~= mark.now + mark.second then return state end
  return refund.f(state, units)
end

function give_back.c(state, units, mark, limit)
  local start = mark.now + mark.second - 2 * limit.window
  local previous, current = state.previous, state.current
  if start == state.start then current = max(current - units, 0) end
  if start + limit.window == state.start then previous = max(previous - units, 0) end
  return { start = state.start, previous = previous, current = current }
end
function refund.c(state, units)
  local from_current = min(units, state.current)
  return {
    start = state.start,
    previous = max(state.previous - (units - from_current), 0),
    current = state.current - from_current,
  }
end

local function ring_replace(ring, stamps, limit)
  local newest = #stamps > 0 and unpack_at("<d", stamps[#stamps]) or now
  kernels.s.rewrite(ring, table.concat(stamps), #stamps, #stamps, ttl_ms(max(newest + limit.window, ring.blocked)))
end

-- The entries, oldest first, each as its 8 bytes and its instant.
local function ring_stamps(ring)
  local bytes, stamps = kernels.s.bytes_of(ring, 0, ring.count), {}
  for i = 1, ring.count do
    stamps[i] = sub(bytes, i * 8 - 7, i * 8)
  end
  return stamps
end

function give_back.s(ring, units, mark, limit)
  local stamp, kept, given = pack("<d", mark.now + mark.second - limit.window), {}, 0
  for _, bytes in ipairs(ring_stamps(ring)) do
    if bytes == stamp and given < units then
      given = given + 1
    else
      kept[#kept + 1] = bytes
    end
  end
  local dropped = mark.at - limit.window
  if kept[1] then dropped = min(dropped, (unpack_at("<d", kept[1]))) end
  if dropped > now - limit.window then
    for _ = 1, given do
      table.insert(kept, 1, pack("<d", dropped))
    end
  end
  if given > 0 then ring_replace(ring, kept, limit) end
end
function refund.s(ring, units, limit)
  local stamps = ring_stamps(ring)
  for i = #stamps, 1, -1 do
    if units > 0 and unpack_at("<d", stamps[i]) <= now then
      table.remove(stamps, i)
      units = units - 1
    end
  end
  ring_replace(ring, stamps, limit)
end
