-- The short way of most calls for permits: one permit of a limiter that has nothing else, and no lease that has ended.
-- Whatever is more than that takes the long way (`run_short` of coordinate.lua).
--
-- Letters: two for each request. T takes now, W may wait, R ends what an id holds, in lower case where it is about the
-- key of the request before, which then brings no keys; and its policy, "0" for the first one, and so on. Replies: a
-- take that is allowed: permits in use, above 0, µs until one falls free by itself, and what its fencing token is
-- above now; one that is denied: 0, µs until one falls free, permits in use; one that queues: as of the long way. A
-- release: how many leases ended. Nothing is replied before the last command of a request: any of them may fail.
local codes = { string.byte(ARGV[3], 1, -1) }
local callers = ARGV[6] + 0
local at, id, key = 1, 8 + callers + 4 * ARGV[7 + callers], 0 -- of the next request
local replies, messages, refused, general = { now }, {}, nil, nil
local has_written = false -- since the long way was asked last
local together = 1 -- so many requests fail, if one command does

-- Looks at nothing around it that it can look up by itself: see `make_general`.
local function run_some()
  local ARGV, KEYS, call, format = ARGV, KEYS, redis.call, string.format
  local count, policies = #codes, 8 + callers
  local now_token, below_now = "-" .. now_text, "(-" .. now_text

  -- A key lives for at least so long after a permit was taken. Where one was taken in the same step of time, that was
  -- seen to: that holds for whatever leases, because those that may be longer are not taken on trust.
  local LEAST_LIFE_US, STEP_US, LONGEST_TRUSTED_US = 60000000, 10000000, 20000000
  local step_from, step_token = now - now % STEP_US, "-" .. string.sub(now_text, 1, -8) .. "0000000"

  local main, leases, waiters = KEYS[key - 2], KEYS[key - 1], KEYS[key]
  -- What is known of the key: that no call waits and nothing is blocked; how many leases have not ended, their first
  -- end, and the last token.
  local quiet, live, first_end, fence
  local place, policy, ttl, permits, ends
  local instance, way -- of the waiter that was looked at last
  while at < count do
    local letter, done, last = codes[at], 0, #replies
    if letter < 97 then
      main, leases, waiters = KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]
      key = key + 3
      quiet, live = false, nil
    else
      letter = letter - 32
    end
    local is_release = letter == 82
    if refused and not is_release then error(refused, 0) end

    local removed
    if is_release then -- before what may fail: the lease has ended all the same
      removed = call("ZREM", leases, ARGV[id])
      has_written = true
      if live and removed > 0 then
        live, first_end = live - removed, nil
      end
    end

    -- Whether calls wait: 0 none does, 1 the short way can serve `first`, the first of them, 2 it cannot.
    local queue, first = quiet and 0 or call("EXISTS", waiters, main), nil
    quiet = queue == 0
    --- @include _short_queue
    if is_release and queue == 0 then
      replies[last + 1] = removed
      done = 1
    end
    if done == 0 and queue < 2 and removed ~= 0 then
      if codes[at + 1] ~= place then
        place = codes[at + 1]
        policy = policies + 4 * (place - 48)
        ttl, permits = ARGV[policy] + 0, ARGV[policy + 1] + 0
        ends = format("%.0f", now + ttl)
      end
      --- @include _short_take
    end
    if done == 0 then
      general = general or make_general(messages)
      quiet, live, done = false, nil, 1
      local mode = not is_release and (letter == 87 and "1" or "0")
      local is_older = has_written
      has_written = false
      replies[last + 1] =
        general.run_short(ARGV[id], mode, codes[at + 1] - 47, main, leases, waiters, is_older, removed)
    end
    at, id = at + 2 * done, id + done
  end
end

if callers > 0 and ARGV[5] == "1" then general = make_general(messages) end
-- See `run_all` of coordinate.lua.
if #codes > 2 then
  local answer = redis.pcall("ZADD", KEYS[#KEYS - 1], "XX", "0", "")
  if type(answer) == "table" and answer.err and string.sub(answer.err, 1, 3) == "OOM" then refused = answer.err end
end
while at < #codes do
  local ok, reply = pcall(run_some)
  if not ok then
    general = general or make_general(messages)
    local message = general.failure_of(reply)
    for _ = 1, together do
      replies[#replies + 1] = message
    end
    -- What is known of the key may be older than what was written before that.
    at, id, together, has_written = at + 2 * together, id + together, 1, true
  end
end
if callers > 0 then replies[#replies + 1] = messages end
return replies
