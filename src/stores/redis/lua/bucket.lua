--[[
Decides a batch of requests over one token bucket each, as most requests are. The same decisions as decide.lua makes,
in a fraction of the time: alike requests stand in groups with one header, and on one key in one entry with a count.

KEYS     the main key of each entry, group by group; those of one group differ
ARGV     grace in ms, added to every time to live; of tests "@now grace" (_clock.lua)
         each group: what it is (1 peek + 2 wait + 4 fraction + 8 counts, or 16 most are in use and have room, + 32 times
           its number of entries), the µs that a bucket holds, the µs that one take adds, the TTL tag of the keys;
           wait: the longest wait µs;
           fraction: what a take adds beyond whole µs, denominator, what a bucket holds beyond whole µs, digits of a
           remainder;
           counts: for each entry, how often to take, one after the other, until a denial

Returns  { now, entry... }; the level of an entry is µs * denominator + remainder, until the bucket is full
         without count: the level afterwards, or -1 - level of what was denied; with count: how many, and the level
         { µs until the end of a block, how many, µs, remainder }: where a key is blocked, or a level above 2^53; five
         more where something was given back, or is promised: where the bucket stood before, µs and remainder, what was
         given back, µs and remainder, and the promised instant
         in place of an entry that failed stands its message, RULES where its key has to do with other rules
]]
--- @include _clock
local try, format, tonumber, KEYS, ARGV = redis.pcall, string.format, tonumber, KEYS, ARGV
--- @include _ttl_tag
local full_us
--- @include _reach_after
-- A bucket that may stand further from now than this has no TTL tag.
local LONGEST_US = 1e13

-- One take, of a caller who waits for each, and all that most of them need. It stands in front of whatever else it
-- takes to decide, because a server that has done other things meanwhile is slow to make even that.
local alone = #KEYS == 1 and ARGV[2]
if alone == "32" or alone == "34" or alone == "36" or alone == "38" then
  local key, burst_us, cost_text, ttl_tag, longest_wait = KEYS[1], ARGV[3] + 0, ARGV[4], ARGV[5] + 0, 0
  local cost_rem, denominator, burst_rem, digits
  if alone == "34" then
    longest_wait = ARGV[6]
  elseif alone == "36" then
    cost_rem, denominator, burst_rem, digits = ARGV[6], ARGV[7] + 0, ARGV[8], ARGV[9]
  elseif alone == "38" then
    cost_rem, denominator, burst_rem, digits = ARGV[7], ARGV[8] + 0, ARGV[9], ARGV[10]
  end
  --- @inline _alone_bucket
  if fits then return { now, level } end
end

--- @include _block
--- @include _instant
local call, sub, byte, floor, min, max, type = redis.call, string.sub, string.byte, math.floor, math.min, math.max, type
local grace_ms = ARGV[1] + 0
local MOST = 9007199254740991
local NO_INSTANT = 90 * ERA_US -- no such TTL tag is written, nor an instant so far away

-- How long a key lives, whose bucket stands there: to the end of the step.
local function life_at(us, step_us)
  return format("%d", floor((us - us % step_us + step_us - now) / 1000) + 2 + grace_ms)
end

local replies, place, cursor, last = { now }, 1, 1, 0
while last < #KEYS do
  -- The header of a group.
  local flags, first = ARGV[cursor + 1] + 0, last + 1
  last = min(last + floor(flags / 32), #KEYS)
  local burst_us, cost_text, ttl_tag, max_wait, cost_rem =
    ARGV[cursor + 2] + 0, ARGV[cursor + 3], ARGV[cursor + 4], 0, 0
  local cost_us = cost_text + 0
  local denominator, burst_rem, size, digits_format = 1, 0, 16, "%016d"
  local peeks, counts, in_use = flags % 2 >= 1, flags % 16 >= 8, flags % 32 >= 16
  cursor = cursor + 4
  if flags % 4 >= 2 then
    max_wait, cursor = ARGV[cursor + 1] + 0, cursor + 1
  end
  if flags % 8 >= 4 then
    cost_rem, denominator, burst_rem = ARGV[cursor + 1] + 0, ARGV[cursor + 2] + 0, ARGV[cursor + 3] + 0
    size, digits_format = 16 + ARGV[cursor + 4], "%016d%0" .. ARGV[cursor + 4] .. "d"
    cursor = cursor + 4
  end
  -- Where a bucket may stand after a take.
  local most_us = now + max_wait + burst_us
  -- A key lives until the end of the step its bucket stands in, whose length is a power of four in ms. The TTL tag in
  -- front of the state tells which: within that step, the key needs no new time to live.
  local step_us, tag_us, reach_from = 1000 * 4 ^ (ttl_tag - 50), ttl_tag * ERA_US, now + REACH_US / 2
  local is_tagged = size == 16 and max_wait + burst_us + grace_ms * 1000 < LONGEST_US
  -- What stands in a key, less this, is where its bucket stands, if it has this TTL tag.
  local offset = tag_us - era

  -- Entries without a count have their places in the reply at once; `left` are those that take more than one command.
  local base, values, left = place - first + 1, nil, nil
  local least, most = now + offset + cost_us, min(now + burst_us + offset, tag_us + ERA_US - 1)
  full_us = now + burst_us
  if in_use and is_tagged and not peeks and least <= most then
    -- Most are in use and have room: they are taken from before they are looked at. What that did to any other is
    -- undone; a key that was not there is written anew, for it has room.
    values = {}
    -- Where a bucket stands after a take that waits, or that is the first one after such. Nil where it has no room.
    local function waited_us(key, done)
      local next_us, reach = done - offset, 0
      while next_us > reach_from do
        next_us, reach = next_us - REACH_US, reach + 1
      end
      local us = next_us - cost_us
      if us < now or next_us > most_us or next_us + offset >= tag_us + ERA_US then return nil end
      local next_reach = 0
      if next_us > full_us then next_reach = reach_after(us, next_us, reach) end
      if next_reach and next_reach ~= reach then call("INCRBY", key, format("%d", (next_reach - reach) * REACH_US)) end
      return next_reach and next_us
    end
    for i = first, last do
      local key = KEYS[i]
      local done = try("INCRBY", key, cost_text)
      local added = type(done) == "number"
      local us = added and done >= least and done <= most and done - offset
      if added and not us and done > most and (max_wait > 0 or done - offset > reach_from) then
        us = waited_us(key, done)
      end
      if us then
        if us % step_us < cost_us then call("PEXPIRE", key, life_at(us, step_us)) end
        replies[base + i] = us - now
      else
        local value = true -- there was none; or "0", which no script writes
        if done ~= cost_us then
          if added then call("INCRBY", key, "-" .. cost_text) end
          value = try("GET", key)
        end
        left = left or {}
        left[#left + 1], replies[base + i], values[i - first + 1] = i, false, type(value) ~= "table" and value
      end
    end
  else
    -- In as few calls as the stack of Lua allows. One that holds no string reads as absent.
    values = call("MGET", unpack(KEYS, first, min(first + 999, last)))
    for from = first + 1000, last, 1000 do
      local some = call("MGET", unpack(KEYS, from, min(from + 999, last)))
      for i = 1, #some do
        values[from - first + i] = some[i]
      end
    end
    local may_stay = is_tagged and not (peeks or counts)
    for i = first, last do
      local key, value, level = KEYS[i], may_stay and values[i - first + 1], nil
      --- @inline _in_step
      if level then
        replies[base + i] = level
      else
        left = left or {}
        left[#left + 1], replies[base + i] = i, false
      end
    end
  end

  if left then
    --- @include _reach
    --- @include _given_back
    --- @include _other_bucket
    -- What is stored (load, and decode in _token_bucket.lua).
    local limit = { denominator = denominator, burst_us = burst_us, burst_rem = burst_rem }
    local function decode(key, value, size, denominator)
      local blocked, us, rem, state, reach = 0, nil, 0, nil, 0
      if #value > 8 and byte(value, 1) == 98 then
        local from
        blocked, from = block_of(value)
        value = sub(value, from)
        if value == "" then return 0, 0, blocked end
      end
      local tail = string.find(value, "[^%d]")
      if tail and tail > 16 and byte(value, tail) > 127 then
        local digits = sub(value, 1, tail - 1)
        local from = #digits == 18 and sub(digits, 1, 2) == NO_TAG and 3 or 1
        state = { us = tonumber(sub(digits, from, from + 15)) or 0, rem = tonumber(sub(digits, from + 16)) or 0 }
        if tail == #value then
          reach = floor((byte(value, tail) - 128) / 8) -- all that there is
        else
          given_back().read(value, tail, #value, state, limit)
          reach = state.reach
        end
        value = digits
      end
      if #value == 18 and sub(value, 1, 2) == NO_TAG then
        value = sub(value, 3)
        us = tonumber(value)
      elseif #value == 16 then
        us = tonumber(value)
        if us and us < NO_INSTANT then
          if us >= LEAST_TAGGED + REACH_US then reach = tag_reach(us) end
          us = instant(us)
        end
      elseif #value > 16 then
        us = tonumber(sub(value, 1, 16))
      end
      if not us or us >= NO_INSTANT or (tail and not state) then return nil end
      if #value ~= size and not may_be_bucket(key, value) then return nil end
      if #value ~= size then return us + 1, 0, blocked, reach, nil, state and state.promised end
      if size > 16 then rem = min(tonumber(sub(value, 17)) or 0, denominator - 1) end
      return us, rem, blocked, reach, state and state.back, state and state.promised
    end

    -- Decides an entry. Returns an error for the whole call, if there is one.
    local function decide(i)
      local key, value, us, rem, blocked, at = KEYS[i], values[i - first + 1], 0, 0, 0, now
      local reach, stepped, back, promised, long = 0, false, nil, nil, nil
      if value and value ~= true then
        us, rem, blocked, reach, back, promised = decode(key, value, size, denominator)
        if not us then
          place = place + 1
          replies[place] = "RULES"
          return nil
        end
        if blocked > now then at = blocked end
        if us - burst_us >= now or (promised or 0) > now then
          local state = { us = us, rem = rem, reach = reach, back = back, promised = promised }
          local settled = given_back().settle(state, limit)
          stepped = settled ~= state
          us, rem, reach, back, promised = settled.us, settled.rem, settled.reach, settled.back, settled.promised
        end
      end

      -- The state after one take at the earliest instant (arrive, advance and earliest in _token_bucket.lua).
      local next_us, next_rem = us, rem
      if us < at - 1 or (us < at and rem == 0) then
        next_us, next_rem = at, 0
      end
      local from_us, from_rem = next_us, next_rem
      next_us, next_rem = next_us + cost_us, next_rem + cost_rem
      if next_rem >= denominator then
        next_us, next_rem = next_us + 1, next_rem - denominator
      end
      local taken = 0
      if (next_us < most_us or (next_us == most_us and next_rem <= burst_rem)) and at - now <= max_wait then
        taken = 1
        local times = 1
        if counts then times = ARGV[cursor + i - first + 1] + 0 end
        if times > 1 then
          -- How many fit: an estimate, at most one too many or too few, and what they add up to, exactly.
          local room = most_us - from_us + (burst_rem - from_rem) / denominator
          taken = max(min(floor(room / (cost_us + cost_rem / denominator)), times), 1)
          for units = min(taken + 1, times), max(taken - 1, 1), -1 do
            local sum = from_rem + units * cost_rem
            local carry = floor(sum / denominator)
            next_us, next_rem = from_us + units * cost_us + carry, sum - carry * denominator
            taken = units
            if next_us < most_us or (next_us == most_us and next_rem <= burst_rem) then break end
          end
        end
      end

      local failure
      if (taken > 0 or stepped) and not peeks then
        if taken == 0 then
          next_us, next_rem, at = us, rem, now
        end
        local written, done = format(digits_format, next_us, next_rem), nil
        if size == 16 and next_us >= LEAST_TAGGED then written = NO_TAG .. written end
        local tail, until_us, next_tag_us = "", next_us + 2, tag_us
        local start = next_us - burst_us
        if next_rem > burst_rem then start = start + 1 end
        if back or promised or at > now then
          local part = given_back()
          local state = { us = us, rem = rem, reach = reach, back = back, promised = promised }
          back = part.live(state)
          local latest = max(at > now and at or 0, promised or 0)
          local next = part.new_state(next_us, next_rem, back, latest, limit, part.reach_before(state, limit))
          tail = part.written(next, limit)
          if back then until_us = max(until_us, part.forgotten_from(next_us, next.back) + 2) end
          if next.promised then until_us = max(until_us, next.promised + 2) end
          back = back or part.NOTHING
          if taken > 0 and (back.us > 0 or back.rem > 0 or promised or at > now) then
            long = { us, rem, back.us, back.rem, promised or 0 }
          end
        elseif start > now then
          local is_ahead = us - burst_us + (rem > burst_rem and 1 or 0) > now
          local next_reach = reach_of(start - now, burst_us, is_ahead and reach or 0)
          if is_tagged and blocked <= now then
            next_tag_us = tag_us + next_reach * REACH_US
          else
            tail = string.char(128 + 8 * next_reach)
          end
        end
        us, rem = next_us, next_rem
        if tail ~= "" and blocked <= now then
          done = try("SET", key, written .. tail, "PX", math.ceil((until_us - now) / 1000) + grace_ms)
        elseif blocked > now then
          written = written .. tail
          written = "b" .. struct.pack("<d", blocked) .. written
          done = try("SET", key, written, "PX", math.ceil((max(until_us, blocked) - now) / 1000) + grace_ms)
        else
          if is_tagged then written = format("%d", next_tag_us + us % ERA_US) end
          -- What reads as absent may hold no string: it is left alone.
          done = value and try("SET", key, written, "PX", life_at(us, step_us))
            or try("SET", key, written, "PX", life_at(us, step_us), "NX")
            or try("GET", key)
        end
        failure = done and done.err
      elseif not value then
        local found = try("GET", key)
        failure = found and found.err
      end

      place = place + 1
      if failure then
        replies[place] = failure
        -- Of a server that is no primary any more all fails: the client must look for the new one.
        return string.find(failure, "READONLY", 1, true) and failure
      end
      if us < now then
        us, rem = now, 0
      end
      local level = (us - now) * denominator + rem
      if blocked > now or level > MOST or long then
        local reply = { blocked > now and blocked - now or 0, taken, us - now, rem }
        for part = 1, long and 5 or 0 do
          reply[4 + part] = long[part]
        end
        replies[place] = reply
      elseif counts then
        replies[place] = taken
        place = place + 1
        replies[place] = level
      else
        replies[place] = taken > 0 and level or -1 - level
      end
    end

    local failure
    for _, i in ipairs(left) do
      if not counts then place = base + i - 1 end
      failure = decide(i) or failure
    end
    if failure then return redis.error_reply(failure) end
  end
  if counts then
    cursor = cursor + last - first + 1
  else
    place = base + last
  end
end
return replies
