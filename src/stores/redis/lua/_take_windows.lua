-- Deciding about windows that are not alone, not open, blocked, or not stored as this script stores them; and takes
-- that wait. `LETTER` is that of the algorithm. Takes of more than one time are admitted at once or not at all.
local kernel

-- Writes a value. What reads as absent may hold no string: it is left alone. Returns the error of the server.
local function write(key, was, value, ttl)
  local done = was and try("SET", key, value, "PX", ttl) or try("SET", key, value, "PX", ttl, "NX") or try("GET", key)
  return done and done.err
end

local function decide_slowly(key, value, times)
  kernel = kernel or algorithms[LETTER]()
  local limit, blocked, from, state = { capacity = capacity, window = window, step = step }, 0, 1, nil
  if value then
    blocked, from = block_of(value)
  end
  local letter = value and sub(value, from, from)
  local size = value and #value - from
  if letter == kernel.letter and are_windows(size, kernel.head) and unpack_at("<I7", value, from + 1) == window then
    state = kernel.decode(value, from + 1, #value)
  elseif letter == "-" and step > 0 and kernel.is_short and kernel.is_short(sub(value, from)) then
    state = kernel.decode_short(sub(value, from), step)
  elseif letter == LETTER and size == kernel.old_size then
    state = kernel.decode_old(value, from + 1)
  elseif value and not (from == 10 and size < 0) then
    return "RULES"
  else
    state = kernel.fresh()
  end
  local settled = kernel.settle(state, limit)
  local stepped = settled ~= state
  state = settled
  local taken, at, first_at = 0, max(now, blocked, kernel.earliest(state, cost, limit)), now
  while taken < times and (at <= now or taken == 0 and at - now <= max_wait) do
    taken, first_at = taken + 1, at
    if peeks then break end
    state = kernel.take(state, at, cost, limit)
    if taken < times then at = max(now, blocked, kernel.earliest(state, cost, limit)) end
  end
  local failure
  if (taken > 0 or stepped) and not peeks then
    local written, until_us = kernel.letter .. kernel.encode(state, limit), kernel.fresh_from(state, limit)
    if blocked > now then
      written, until_us = "b" .. pack("<d", blocked) .. written, max(blocked, until_us)
    end
    failure = write(key, value, written, life(until_us))
  elseif not value then
    failure = try("GET", key)
    failure = failure and failure.err
  end
  if failure then return false, failure end
  local used, reset = kernel.measure(state, limit)
  if taken == 0 and blocked > now then return { 2, at - now, used, reset } end
  if taken > 0 and first_at > now then return { 1, first_at - now, used, reset } end
  return taken, used, reset, taken == times and 0 or at - now
end
