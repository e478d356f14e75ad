-- What a token bucket remembers of units that were given back, and of an instant that is promised
-- (src/algorithms/token_bucket/given_back.ts, and the rest of a state in token_bucket.ts).
--
-- It stands behind the digits of the bucket's instant: a byte of 128, and 1 where an instant is promised that the
-- digits do not tell, 2 where something was given back, 4 where `until_us` stands there, 8 times the reach of what is
-- promised; then the promised instant; all that was given back; the sum of both instants, and 2, less `until_us`; for
-- each share the sum less where the share ended, and what was given back of it, 0 standing for all that was given
-- back. Every number is written in groups of seven bits, lowest first, 128 added to all but the last; a remainder
-- follows its microseconds where the digits have one.
local given_back_made
local function given_back()
  if given_back_made then return given_back_made end
  local floor, min, max, byte, char = math.floor, math.min, math.max, string.byte, string.char
  local MAX_SHARES, MOST_US = 8, 2 ^ 52
  local NOTHING = { us = 0, rem = 0, until_us = 0, shares = {} }
  local self = { NOTHING = NOTHING }

  function self.plus(a, b, limit)
    local us, rem = a.us + b.us, a.rem + b.rem
    if rem < limit.denominator then return { us = us, rem = rem } end
    return { us = us + 1, rem = rem - limit.denominator }
  end
  local plus = self.plus

  function self.minus(a, b, limit)
    local us, rem = a.us - b.us, a.rem - b.rem
    if rem >= 0 then return { us = us, rem = rem } end
    return { us = us - 1, rem = rem + limit.denominator }
  end
  local minus = self.minus

  function self.shorter(a, b)
    return (a.us < b.us or (a.us == b.us and a.rem < b.rem)) and a or b
  end

  function self.in_front(back, end_us, before, limit)
    local sum = minus(back, before, limit)
    for _, share in ipairs(back.shares) do
      if share.end_us > end_us then sum = minus(sum, share, limit) end
    end
    return sum.us < 0 and NOTHING or sum
  end

  -- No instant later than this is promised to a waiter.
  function self.promised_of(state, limit)
    local start = state.us - limit.burst_us
    if state.rem > limit.burst_rem then start = start + 1 end
    return max(start, state.promised or 0)
  end
  local promised_of = self.promised_of

  -- The reach of a promise that lies ahead.
  function self.reach_before(state, limit)
    return state.reach > 0 and promised_of(state, limit) > now and state.reach or 0
  end

  local function remember(back, share, until_us, limit)
    local sum = plus(back, share, limit)
    if sum.us > MOST_US then return nil end
    local shares, place = {}, 1
    for i, other in ipairs(back.shares) do
      shares[i] = other
      if other.end_us <= share.end_us then place = i + 1 end
    end
    table.insert(shares, place, share)
    local behind, from = NOTHING, #shares
    while from > 0 and #shares - from < MAX_SHARES do
      local last = shares[from]
      if last.end_us - (sum.us - behind.us) + 2 <= now then break end
      behind = plus(behind, last, limit)
      from = from - 1
    end
    for _ = 1, from do
      table.remove(shares, 1)
    end
    return { us = sum.us, rem = sum.rem, until_us = max(back.until_us, until_us), shares = shares }
  end

  function self.forgotten_from(us, back)
    local sum = us + back.us + 1
    if back.until_us > 0 and back.until_us < sum then return max(us + 1, back.until_us) end
    return sum
  end

  function self.live(state)
    local back = state.back
    return back and self.forgotten_from(state.us, back) > now and back or nil
  end

  -- A state that says no more than it must.
  function self.new_state(us, rem, back, promised, limit, before)
    local start = us - limit.burst_us
    if rem > limit.burst_rem then start = start + 1 end
    local latest = max(start, promised)
    if promised <= now or promised <= start then promised = nil end
    local state = { us = us, rem = rem, promised = promised, reach = 0 }
    if latest > now then state.reach = reach_of(latest - now, limit.burst_us, before) end
    if back then
      local sum, shares = plus(state, back, limit).us, {}
      for i, share in ipairs(back.shares) do
        shares[i] = { end_us = min(share.end_us, sum), us = share.us, rem = share.rem }
      end
      local until_us = back.until_us > us + back.us and 0 or back.until_us
      state.back = { us = back.us, rem = back.rem, until_us = until_us, shares = shares }
    end
    return state
  end

  function self.with_returned(state, cut, end_us, promised, limit)
    local until_us = max(now, promised) + limit.burst_us + 1
    local share = { end_us = end_us, us = cut.us, rem = cut.rem }
    local back = remember(self.live(state) or NOTHING, share, until_us, limit)
    if not back then return state end
    local left = minus(state, cut, limit)
    return self.new_state(left.us, left.rem, back, promised, limit, self.reach_before(state, limit))
  end

  -- The state after a reset, from which nothing that was taken before can be given back; nil where a fresh one is.
  function self.restart(state, limit)
    local debt = { us = state.us - now, rem = state.rem, end_us = 0 }
    if debt.us < 0 then return nil end
    return self.new_state(now, 0, remember(self.live(state) or NOTHING, debt, state.us + 2, limit), 0, limit, 0)
  end

  -- The state as this clock can have written it (settle in kernel.ts).
  function self.settle(state, limit)
    local promised, latest = promised_of(state, limit), latest_promise(state.reach, limit.burst_us)
    if promised <= latest then return state end
    local most = { us = latest + limit.burst_us, rem = limit.burst_rem }
    local back = self.live(state)
    if state.us < most.us or (state.us == most.us and state.rem <= most.rem) then
      return self.new_state(state.us, state.rem, back, latest, limit, state.reach)
    end
    local before = { us = state.us, rem = state.rem, promised = state.promised, reach = state.reach }
    if back then before.back = { us = back.us, rem = back.rem, until_us = 0, shares = back.shares } end
    local settled = self.with_returned(before, minus(state, most, limit), 0, latest, limit)
    if settled ~= before then return settled end
    return self.new_state(most.us, most.rem, nil, latest, limit, state.reach)
  end

  -- Reads what stands behind the digits into `state`.
  function self.read(value, cursor, last, state, limit)
    local function next_number()
      local number, factor = 0, 1
      while cursor <= last do
        local group = byte(value, cursor)
        cursor = cursor + 1
        number = number + group % 128 * factor
        if group < 128 then break end
        factor = factor * 128
      end
      return number
    end
    local function next_span()
      local us = next_number()
      return us, limit.denominator > 1 and min(next_number(), limit.denominator - 1) or 0
    end
    local flags = byte(value, cursor) - 128
    cursor = cursor + 1
    state.reach = floor(flags % 32 / 8)
    if flags % 2 >= 1 then state.promised = next_number() end
    if flags % 4 < 2 then return end
    local us, rem = next_span()
    local back = { us = us, rem = rem, until_us = 0, shares = {} }
    local sum = plus(state, back, limit).us
    if flags % 8 >= 4 then back.until_us = sum + 2 - next_number() end
    while cursor <= last do
      local share = { end_us = sum - next_number() }
      share.us, share.rem = next_span()
      if share.us == 0 and share.rem == 0 then
        share.us, share.rem = us, rem
      end
      back.shares[#back.shares + 1] = share
    end
    state.back = back
  end

  -- What stands behind the digits; nothing for most states.
  function self.written(state, limit)
    local back, promised, text = state.back, state.promised, ""
    if not back and not promised and state.reach == 0 then return text end
    local function put(number)
      while number >= 128 do
        text = text .. char(number % 128 + 128)
        number = floor(number / 128)
      end
      text = text .. char(number)
    end
    local function put_span(us, rem)
      put(us)
      if limit.denominator > 1 then put(rem) end
    end
    if promised then put(promised) end
    if back then
      put_span(back.us, back.rem)
      local sum = plus(state, back, limit).us
      if back.until_us > 0 then put(sum + 2 - back.until_us) end
      for _, share in ipairs(back.shares) do
        put(sum - share.end_us)
        local is_all = share.us == back.us and share.rem == back.rem
        put_span(is_all and 0 or share.us, is_all and 0 or share.rem)
      end
    end
    local flags = 128 + (promised and 1 or 0) + (back and 2 or 0) + (back and back.until_us > 0 and 4 or 0)
    return char(flags + 8 * state.reach) .. text
  end

  given_back_made = self
  return self
end
