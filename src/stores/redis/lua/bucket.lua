--[[
Decides a batch of requests over one token bucket each, as most requests are. The same decisions as decide.lua makes,
in a fraction of the time: alike requests stand in runs with one header, and on one key in one entry with a count.

KEYS     the main key of each entry, run by run
ARGV     now in µs, or "" for the server's TIME
         grace in ms, added to every time to live
         each run: what it is (1 peek + 2 wait + 4 fraction + 8 counts + 16 keys stand in several entries), its number
           of entries, the µs that a bucket holds, the µs that one take adds, the mark of how long keys live; wait: the
           longest wait µs; fraction: what
           a take adds beyond whole µs, denominator, what a bucket holds beyond whole µs, digits of a remainder;
           counts: for each entry, how often to take, one after the other, until a denial

Returns  { now, entry... }; the level of an entry is µs * denominator + remainder, until the bucket is full
         without count: the level afterwards, or -1 - level of what was denied; with count: how many, and the level
         { µs until the end of a block, how many, µs, remainder }: where a key is blocked, or a level above 2^53
         in place of an entry that failed stands its message
]]
local call, try, sub, byte, format = redis.call, redis.pcall, string.sub, string.byte, string.format
local floor, tonumber = math.floor, tonumber
local KEYS, ARGV = KEYS, ARGV
local now = tonumber(ARGV[1])
if not now then
  local time = call("TIME")
  now = time[1] * 1000000 + time[2]
end
local grace_ms = ARGV[2] + 0

-- All that is stored, in as few calls as the stack of Lua allows. A key that holds no string reads as absent.
local values = {}
if #KEYS <= 1000 then
  values = call("MGET", unpack(KEYS))
else
  for from = 1, #KEYS, 1000 do
    local some = call("MGET", unpack(KEYS, from, math.min(from + 999, #KEYS)))
    for i = 1, #some do
      values[from + i - 1] = some[i]
    end
  end
end

-- In front of 16 digits of whole microseconds may stand two that mark how long the key lives: 50 and more, which no
-- time of these centuries begins with.
local MARKED = byte("5")
local MOST = 9007199254740991

-- What is stored, where it is more or other than this policy's digits (load, and decode in _token_bucket.lua).
local function decode(value, size, denominator)
  local blocked, us, rem = 0, nil, 0
  if sub(value, 1, 1) == "b" and #value > 8 then
    blocked = struct.unpack("<d", value, 2)
    value = sub(value, 10)
  end
  if #value == 18 and byte(value, 1) >= MARKED then value = sub(value, 3) end
  if #value >= 16 then us = tonumber(sub(value, 1, 16)) end
  if not us or not (us <= MOST) then return 0, 0, blocked end
  if #value ~= size then return us + 1, 0, blocked end
  if size > 16 then rem = math.min(tonumber(sub(value, 17)) or 0, denominator - 1) end
  return us, rem, blocked
end

local replies, place, cursor, last = { now }, 1, 2, 0
local latest = {}
while last < #KEYS do
  -- The header of a run.
  local kind, first = ARGV[cursor + 1] + 0, last + 1
  last = math.min(last + ARGV[cursor + 2], #KEYS)
  local burst_us, whole_text, mark, max_wait, owed = ARGV[cursor + 3] + 0, ARGV[cursor + 4], ARGV[cursor + 5], 0, 0
  local whole_us = whole_text + 0
  local denominator, burst_rem, size, digits_format = 1, 0, 16, "%016d"
  local peeks, counts, repeats = kind % 2 >= 1, kind % 16 >= 8, kind >= 16
  cursor = cursor + 5
  if kind % 4 >= 2 then
    max_wait, cursor = ARGV[cursor + 1] + 0, cursor + 1
  end
  if kind % 8 >= 4 then
    owed, denominator, burst_rem = ARGV[cursor + 1] + 0, ARGV[cursor + 2] + 0, ARGV[cursor + 3] + 0
    size, digits_format = 16 + ARGV[cursor + 4], "%016d%0" .. ARGV[cursor + 4] .. "d"
    cursor = cursor + 4
  end
  -- Where a bucket may stand after a take.
  local most_us = now + max_wait + burst_us
  -- A key lives until the end of the step its bucket stands in, whose length is a power of two in ms. The mark in front
  -- of the state tells which: within that step, the key needs no new time to live.
  local step_us, lives = 1000 * 2 ^ (mark - 50), {}

  -- Decides any entry. Returns an error for the whole call, if there is one.
  local function decide(i)
    local key, value = KEYS[i], values[i]
    if repeats then value = latest[key] or value end
    local us, rem, blocked, at = 0, 0, 0, now
    if value then
      us, rem, blocked = decode(value, size, denominator)
      if blocked > now then at = blocked end
    end

    -- The state after one take at the earliest instant (arrive, advance and earliest in _token_bucket.lua).
    local next_us, next_rem = us, rem
    if us < at - 1 or (us < at and rem == 0) then
      next_us, next_rem = at, 0
    end
    local from_us, from_rem = next_us, next_rem
    next_us, next_rem = next_us + whole_us, next_rem + owed
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
        taken = math.max(math.min(floor(room / (whole_us + owed / denominator)), times), 1)
        for units = math.min(taken + 1, times), math.max(taken - 1, 1), -1 do
          local sum = from_rem + units * owed
          local carry = floor(sum / denominator)
          next_us, next_rem = from_us + units * whole_us + carry, sum - carry * denominator
          taken = units
          if next_us < most_us or (next_us == most_us and next_rem <= burst_rem) then break end
        end
      end
    end

    local failure
    if taken > 0 and not peeks then
      us, rem = next_us, next_rem
      local written = size == 16 and mark .. format("%016d", us) or format(digits_format, us, rem)
      local done
      if blocked > now then
        written = "b" .. struct.pack("<d", blocked) .. written
        done = try("SET", key, written, "PX", math.ceil((math.max(us + 2, blocked) - now) / 1000) + grace_ms)
      else
        local step = floor(us / step_us)
        local life = lives[step]
        if not life then
          life = format("%d", floor(((step + 1) * step_us - now) / 1000) + 2 + grace_ms)
          lives[step] = life
        end
        -- What reads as absent may hold no string: it is left alone.
        done = value and try("SET", key, written, "PX", life)
          or try("SET", key, written, "PX", life, "NX")
          or try("GET", key)
      end
      failure = done and done.err
      if repeats and not failure then latest[key] = written end
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
    if blocked > now or level > MOST then
      replies[place] = { blocked > now and blocked - now or 0, taken, us - now, rem }
    elseif counts then
      replies[place] = taken
      place = place + 1
      replies[place] = level
    else
      replies[place] = taken > 0 and level or -1 - level
    end
  end

  -- Most entries are this: a bucket with this mark has room, and stays in its step, so what it adds is all that is
  -- written. Numbers of 18 digits are rounded alike on both sides; with another mark, or after an error, they are not
  -- equal, and what stood there is decided as any entry, and overwritten.
  local marked_size = size == 16 and not (peeks or counts or repeats) and 18
  local mark_us, most_marked_us = mark * 1e16, math.min(most_us, MOST)
  for i = first, last do
    local value, level = values[i], nil
    if value and #value == marked_size then
      local us = tonumber(sub(value, 3))
      if us then
        local next_us = (us < now and now or us) + whole_us
        local added = next_us - us
        if next_us <= most_marked_us and us % step_us + added < step_us then
          local added_text = added == whole_us and whole_text or format("%d", added)
          if try("INCRBY", KEYS[i], added_text) == mark_us + next_us then level = next_us - now end
        end
      end
    end
    if level then
      place = place + 1
      replies[place] = level
    else
      local failure = decide(i)
      if failure then return redis.error_reply(failure) end
    end
  end
  if counts then cursor = cursor + last - first + 1 end
end
return replies
