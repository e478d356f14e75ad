-- The state of an entry of several.lua as it is now, and as it is after takes.

-- Reads a value as it is now. Whether it is what most are.
local function read(value)
  if value and (#value ~= size or sub(value, 1, head) ~= prefix) then return false end
  stored_until = 0
  for i = 1, count do
    local limit = limits[i]
    local kind, slot, us, units, previous, past = limit.letter, limit.slot, 0, 0, 0, 0
    if value then
      us, units, previous = unpack_at(limit.format, value, limit.at)
    end
    if kind == "t" then
      -- It may be promised, or from another clock.
      if us > limit.most_us then return false end
      past = us
      if us < now - 1 or (us < now and units == 0) then
        us, units = now, 0
      elseif units >= limit.denominator then
        units = limit.denominator - 1
      end
    else
      local window = limit.window
      if us > now then return false end
      if us > 0 then past = us + window end
      if kind == "f" then
        if now >= past then
          us, units = now, 0
        end
      else
        if us > 0 then past = past + window end
        if now >= past then
          us, units, previous = now, 0, 0
        elseif now >= past - window then
          us, units, previous = us + window, 0, units
        end
        state[slot + 2] = previous
      end
    end
    if past > stored_until then stored_until = past end
    state[slot], state[slot + 1], ends[i] = us, units, past
  end
  return true
end

-- Takes so many times, for now, into `following`. Whether all limits have room for it.
local function take(times)
  until_us = 0
  for i = 1, count do
    local limit = limits[i]
    local kind, slot = limit.letter, limit.slot
    local us, units = state[slot], state[slot + 1]
    local past = us
    if kind == "t" then
      units = units + times * limit.rem
      if units >= limit.denominator then
        local carry = floor(units / limit.denominator)
        us, units = us + carry, units - carry * limit.denominator
      end
      us = us + times * limit.us
      if us >= limit.most_us and (us > limit.most_us or units > limit.burst_rem) then return false end
      past = us
    else
      units, past = units + times * cost, us + limit.window
      if kind == "f" then
        if units > limit.capacity then return false end
      else
        local previous = state[slot + 2]
        if units + faded(limit, us, previous) > limit.capacity then return false end
        following[slot + 2], past = previous, past + limit.window
      end
    end
    if past > until_us then until_us = past end
    following[slot], following[slot + 1] = us, units
  end
  return true
end

-- How often it can be taken, if not `times`.
local function takes(times)
  local most = times - 1
  for i = 1, count do
    local limit = limits[i]
    local us, units = state[limit.slot], state[limit.slot + 1]
    if limit.letter == "t" then
      local room = limit.most_us - us + (limit.burst_rem - units) / limit.denominator
      most = min(most, floor(room / (limit.us + limit.rem / limit.denominator)) + 1)
    else
      if limit.letter == "c" then units = units + faded(limit, us, state[limit.slot + 2]) end
      most = min(most, floor((limit.capacity - units) / cost))
    end
  end
  -- Of a bucket, that is one more than fits, or two.
  while most > 0 and not take(most) do
    most = most - 1
  end
  return max(most, 0)
end

-- How far into a window `units` of the one before have faded to `room`; past its end if they never do.
local function fades(limit, units, room)
  if room < 0 then return limit.window + 1 end
  if units <= room then return 0 end
  return (limit.steps - floor(room * limit.steps / units)) * limit.step
end

-- How long until one more take fits (earliest of each kernel).
local function wait_of(numbers)
  local at = now
  for i = 1, count do
    local limit = limits[i]
    local kind, us, units = limit.letter, numbers[limit.slot], numbers[limit.slot + 1]
    if kind == "t" then
      us, units = us + limit.us - limit.burst_us, units + limit.rem
      if units >= limit.denominator then
        us, units = us + 1, units - limit.denominator
      end
      at = max(at, units > limit.burst_rem and us + 1 or us)
    elseif kind == "f" then
      if units + cost > limit.capacity then at = max(at, us + limit.window) end
    else
      local far = fades(limit, numbers[limit.slot + 2], limit.capacity - cost - units)
      if far > limit.window then far = limit.window + fades(limit, units, limit.capacity - cost) end
      at = max(at, us + far)
    end
  end
  return at - now
end
