-- Token bucket (src/algorithms/token_bucket/kernel.ts). State: { us, rem }, the instant at which the bucket is full,
-- and `reach`; where something was given back or is promised, `back` and `promised` besides. Stored as one decimal
-- integer: 16 digits of microseconds, then the remainder in `digits` digits; all else as _given_back.lua writes it.
-- Alone in its key it may have a TTL tag (_ttl_tag.lua).
function algorithms.t()
  local function arrive(state, at)
    if state.us < at - 1 or (state.us < at and state.rem == 0) then return { us = at, rem = 0 } end
    return state
  end

  local function advance(state, units, limit)
    local rem = units * limit.interval_rem
    local carry = floor(rem / limit.denominator)
    local us = state.us + units * limit.interval_us + carry
    rem = state.rem + rem - carry * limit.denominator
    if rem < limit.denominator then return { us = us, rem = rem } end
    return { us = us + 1, rem = rem - limit.denominator }
  end

  return {
    read = function()
      return {
        interval_us = number(),
        interval_rem = number(),
        denominator = number(),
        burst_us = number(),
        burst_rem = number(),
        digits = number(),
      }
    end,
    fresh = function()
      return { us = 0, rem = 0, reach = 0 }
    end,
    settle = function(state, limit)
      if state.us - limit.burst_us < now and (state.promised or 0) <= now then return state end
      return given_back().settle(state, limit)
    end,
    earliest = function(state, cost, limit)
      local next = advance(arrive(state, now), cost, limit)
      local start_us = next.us - limit.burst_us
      if next.rem > limit.burst_rem then start_us = start_us + 1 end
      return max(now, start_us)
    end,
    take = function(state, at, cost, limit)
      local next = advance(arrive(state, at), cost, limit)
      next.reach = 0
      if at <= now and not state.back and not state.promised then return next end
      local part = given_back()
      local promised = max(at > now and at or 0, state.promised or 0)
      return part.new_state(next.us, next.rem, part.live(state), promised, limit, part.reach_before(state, limit))
    end,
    trace = function(before, after, at)
      local waits = at > now
      if not waits and not after.back then return nil end
      local us, rem = 0, 0
      if after.back then
        us, rem = after.back.us, after.back.rem
      end
      local promised = waits and (before.promised or 0) > now and before.promised or 0
      local idle = waits and arrive(before, at) ~= before
      if us == 0 and rem == 0 and promised == 0 and not idle then return nil end
      -- One that cannot be told from a fresh one may be forgotten at any time.
      local from = before.us + 2 <= now and { us = 0, rem = 0 } or before
      return { us, rem, promised, idle and from.us or -1, idle and from.rem or 0 }
    end,
    measure = function(state)
      if state.us < now then return 0, 0 end
      return state.us - now, state.rem
    end,
    fresh_from = function(state)
      if not state.back and not state.promised then return state.us + 2 end
      local forgotten = state.back and given_back().forgotten_from(state.us, state.back) or 0
      return max(state.us, forgotten, state.promised or 0) + 2
    end,
    decode = function(value, from, to, limit, tail_from, tail_to)
      local size = to - from + 1
      local us = tonumber(sub(value, from, from + 15))
      if not us or size < 16 then return { us = 0, rem = 0, reach = 0 } end
      local other = size ~= 16 + limit.digits
      local state = { us = us, rem = 0, reach = 0 }
      if not other then state.rem = min(tonumber(sub(value, from + 16, to)) or 0, limit.denominator - 1) end
      if tail_from <= tail_to then given_back().read(value, tail_from, tail_to, state, limit) end
      -- Written by a limiter with another denominator: a microsecond more covers any remainder.
      if other then return { us = us + 1, rem = 0, promised = state.promised, reach = state.reach } end
      return state
    end,
    encode = function(state, limit)
      local us = max(state.us, 0)
      if limit.digits == 0 then return format("%016.0f", us) end
      return format("%016.0f%0" .. limit.digits .. ".0f", us, state.rem)
    end,
    -- What does not fit in there.
    encode_tail = function(state, limit)
      if not state.back and not state.promised and state.reach == 0 then return "" end
      return given_back().written(state, limit)
    end,
  }
end
