-- The short way of most calls for permits: one permit of a limiter that has nothing else, and no lease that has ended.
-- Whatever is more than that takes the long way (`run_short` of coordinate.lua).
--
-- Letters: two for each request. T takes now, W may wait, R ends what an id holds, in lower case where it is about the
-- key of the request before, which then brings no keys; and its policy, "0" for the first one, and so on. Replies: a
-- take that is allowed: permits in use, above 0, µs until one falls free by itself, and what its fencing token is
-- above now; one that is denied: 0, µs until one falls free, permits in use; one that queues: permits in use, below 0,
-- µs until one falls free, and what its arrival is above now. A release: how many leases ended. Nothing is replied
-- before the last command of a request: any of them may fail.
local codes, replies, messages = { string.byte(letters, 1, -1) }, { now }, {}
-- Of the next request, and how many requests fail, if a command does.
local at, key, together = 1, 0, 1

-- Looks at nothing around it that it can look up by itself: see `make_general`.
local function run_some(codes, replies, messages, make_general, now, now_text, refused, general, released, others)
  local ARGV, KEYS, call, format = ARGV, KEYS, redis.call, string.format
  local count, keys, hears = #codes, #KEYS / 3, ARGV[3]
  local id, policies, last = 4 + (at - 1) / 2, 4 + count / 2, #replies
  local has_written = true -- since the long way was asked last: a request that failed may have

  --- @inline _short_trust
  local now_token, below_now, step_from, step_token

  local leases = KEYS[key]
  -- What is known of the key: whether calls wait or something is blocked (0 neither, 1 one of them, 2 both); how many
  -- leases have not ended, which of them ends first and when, and the last token.
  local queue, live, first_id, first_end, fence
  local place, ttl, permits, most_waiters, ends
  local instance, way -- of the waiter that was looked at last

  -- Of all keys together: mostly nothing is there. Where that is refused, each request finds out for itself.
  others = others or redis.pcall("EXISTS", unpack(KEYS, keys + 1))
  if type(others) ~= "number" then others = nil end
  while at < count do
    local letter, done = codes[at], 0
    if letter < 97 then
      key = key + 1
      leases, live = KEYS[key], nil
      queue = (others == 0 or keys == 1) and others
    else
      letter = letter - 32
    end
    local is_release, removed = letter == 82, nil
    if is_release then -- before what may fail: the lease has ended all the same
      removed = released or call("ZREM", leases, ARGV[id])
      has_written = true
      if live and removed > 0 then
        live = live - removed
        if ARGV[id] == first_id then first_end = nil end
      end
    elseif refused then
      error(refused, 0)
    end
    queue = queue or call("EXISTS", KEYS[keys + 2 * key - 1], KEYS[keys + 2 * key])
    if is_release and queue == 0 then
      last, done = last + 1, 1
      replies[last] = removed
    elseif queue < 2 and removed ~= 0 then
      if codes[at + 1] ~= place then
        place = codes[at + 1]
        ttl, permits, most_waiters = string.match(ARGV[policies + place - 48], "^(%d+) (%d+) (.*)$")
        ttl, permits = ttl + 0, permits + 0
        ends = format("%d", now + ttl)
        now_token, below_now = "-" .. now_text, "(-" .. now_text
        step_from, step_token = now - now % STEP_US, "-" .. string.sub(now_text, 1, -8) .. "0000000"
      end
      --- @include _short_take
    end
    if done == 0 then
      general = general or make_general(messages, now, now_text)
      local main, waiters = KEYS[keys + 2 * key - 1], KEYS[keys + 2 * key]
      local mode = not is_release and (letter == 87 and "1" or "0")
      local is_older = has_written
      has_written, queue, live, others = false, nil, nil, nil
      last, done = last + 1, 1
      replies[last] = general.run_short(ARGV[id], mode, codes[at + 1] - 47, main, leases, waiters, is_older, removed)
    end
    at, id = at + 2 * done, id + done
  end
end

local first, general, refused = string.byte(ARGV[3]), nil, nil
local has_callers = first ~= 58 -- a colon
if first == 45 then general = make_general(messages, now, now_text) end -- it reads their inboxes
-- See `run_all` of coordinate.lua.
if #codes > 2 then
  local answer = redis.pcall("ZADD", KEYS[#KEYS / 3], "XX", "0", "")
  if type(answer) == "table" and answer.err and string.sub(answer.err, 1, 3) == "OOM" then refused = answer.err end
end
while at < #codes do
  local ok, reply =
    pcall(run_some, codes, replies, messages, make_general, now, now_text, refused, general, removed, others)
  if not ok then
    local message = type(reply) == "table" and reply.err or tostring(reply)
    if string.find(message, "READONLY", 1, true) then error(reply, 0) end -- see `failure_of`
    for _ = 1, together do
      replies[#replies + 1] = message
    end
    at, together = at + 2 * together, 1
  end
end
if has_callers then replies[#replies + 1] = messages end
return replies
