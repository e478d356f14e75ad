-- Token bucket (src/algorithms/token_bucket.ts). State: { us, rem }, the instant at which the bucket is full.
-- Stored as one decimal integer: 16 digits of microseconds, then the remainder in `digits` digits.
-- Alone in its key it may have a mark (_mark.lua).
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
      return { us = 0, rem = 0 }
    end,
    earliest = function(state, cost, limit)
      local next = advance(arrive(state, now), cost, limit)
      local start_us = next.us - limit.burst_us
      if next.rem > limit.burst_rem then start_us = start_us + 1 end
      return max(now, start_us)
    end,
    take = function(state, at, cost, limit)
      return advance(arrive(state, at), cost, limit)
    end,
    measure = function(state)
      if state.us < now then return 0, 0 end
      return state.us - now, state.rem
    end,
    fresh_from = function(state)
      return state.us + 2
    end,
    decode = function(value, from, to, limit)
      local size = to - from + 1
      local us = tonumber(sub(value, from, from + 15))
      if not us or size < 16 then return { us = 0, rem = 0 } end
      -- Written by a limiter with another denominator: a microsecond more covers any remainder.
      if size ~= 16 + limit.digits then return { us = us + 1, rem = 0 } end
      return { us = us, rem = min(tonumber(sub(value, from + 16, to)) or 0, limit.denominator - 1) }
    end,
    encode = function(state, limit)
      if limit.digits == 0 then return format("%016.0f", state.us) end
      return format("%016.0f%0" .. limit.digits .. ".0f", state.us, state.rem)
    end,
  }
end
