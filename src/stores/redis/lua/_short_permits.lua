-- The short way of most calls for permits: one permit of a limiter that has nothing else, a queue that is empty, and no
-- lease that has ended. Whatever is more than that takes the long way (`run_short` of coordinate.lua).
--
-- Letters: two for each request. T takes now, W may wait, R ends what an id holds, in lower case where it is about the
-- key of the request before, which then brings no keys; and its policy, "0" for the first one, and so on. Replies: a
-- take that is allowed: permits in use, above 0, µs until one falls free by itself, and what its fencing token is
-- above now; one that is denied: 0, µs until one falls free, permits in use. A release: how many leases ended.
local codes = { string.byte(ARGV[3], 1, -1) }
local callers = ARGV[6] + 0
local policies = 8 + callers
local id, at, key = policies + 4 * ARGV[policies - 1], 1, 0
local now_text = string.format("%.0f", now)
local now_token, below_now = "-" .. now_text, "(-" .. now_text
local replies, refused, whole = { now }, nil, nil
local has_written = false -- since the long way was asked last

-- A key lives for at least so long after a permit was taken. Where one was taken in the same step of time, that was
-- seen to: that holds for whatever leases, because those that may be longer are not taken on trust.
local LEAST_LIFE_US, STEP_US = 60000000, 2 ^ 24
local step_from = now - now % STEP_US
local step_token = string.format("%.0f", -step_from)
local LONGEST_TRUSTED_US = 20000000

local function run_some()
  local count = #codes
  local main, leases, waiters = KEYS[key - 2], KEYS[key - 1], KEYS[key]
  -- What is known of the key: that no call waits and nothing is blocked; how many leases have not ended, their first
  -- end, and the last token.
  local quiet, live, first_end, fence
  local place, ttl, permits, ends
  while at < count do
    local letter, done = codes[at], 0
    if letter < 97 then
      main, leases, waiters = KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]
      key = key + 3
      quiet, live = false, nil
    else
      letter = letter - 32
    end
    local last = #replies
    if letter == 82 then
      if quiet or call("EXISTS", waiters) == 0 then
        local removed = call("ZREM", leases, ARGV[id])
        has_written = true
        if live and removed > 0 then
          live, first_end = live - removed, nil
        end
        replies[last + 1] = removed
        done = 1
      end
    elseif refused then
      error(refused, 0)
    elseif quiet or call("EXISTS", waiters, main) == 0 then
      quiet = true
      if codes[at + 1] ~= place then
        place = codes[at + 1]
        local policy = policies + 4 * (place - 48)
        ttl, permits = ARGV[policy] + 0, ARGV[policy + 1] + 0
        ends = string.format("%.0f", now + ttl)
      end
      if not live then
        local members = call("ZCARD", leases)
        if members == 0 then
          live, fence = 0, 0
        elseif call("ZCOUNT", leases, below_now, step_token) == 1 then
          -- The last token is of this step. Which one it is does not matter, and to print it would take long.
          fence, first_end = now - 1, members > 1 and call("ZRANGE", leases, "1", "1", "WITHSCORES")[2] + 0
          if members == 1 or first_end > now then live = members - 1 end
        elseif members == 1 then
          local token = call("ZSCORE", leases, "#")
          if token then
            live, fence = 0, -token
          end
        else
          local first = call("ZRANGE", leases, "0", "1", "WITHSCORES")
          if first[1] == "#" and first[4] + 0 > now then
            live, fence, first_end = members - 1, -first[2], first[4] + 0
          end
        end
      elseif live > 0 and not first_end then
        first_end = call("ZRANGE", leases, "1", "1", "WITHSCORES")[2] + 0
      end
      local room = live and permits - live or -1
      if room > 0 then
        -- Those behind it that are alike are taken together, as far as there is room.
        done = 1
        while done < room and codes[at + 2 * done] == letter + 32 and codes[at + 2 * done + 1] == place do
          done = done + 1
        end
        has_written = true
        local token = now
        if fence >= now then token = fence + 1 end
        if done == 1 then
          local stored = token == now and now_token or string.format("%.0f", -token)
          call("ZADD", leases, stored, "#", ends, ARGV[id])
        else
          local members = { string.format("%.0f", 1 - token - done), "#" }
          for i = 0, done - 1 do
            members[2 * i + 3], members[2 * i + 4] = ends, ARGV[id + i]
          end
          call("ZADD", leases, unpack(members))
        end
        if fence < step_from or fence >= step_from + STEP_US or ttl > LONGEST_TRUSTED_US then
          local life = math.max(4 * ttl, LEAST_LIFE_US) / 1000 + ARGV[2]
          if call("PTTL", leases) < life then
            call("PEXPIRE", leases, string.format("%.0f", math.ceil(life * 1.125)))
          end
        end
        if live == 0 or now + ttl < first_end then first_end = now + ttl end
        for i = 1, done do
          replies[last + 1], replies[last + 2], replies[last + 3] = live + i, first_end - now, token + i - 1 - now
          last = last + 3
        end
        live, fence = live + done, token + done - 1
      elseif room == 0 and letter == 84 then
        replies[last + 1], replies[last + 2], replies[last + 3] = 0, first_end - now, live
        done = 1
      end
    end
    if done == 0 then
      whole = whole or everything()
      quiet, live, done = false, nil, 1
      local mode = letter ~= 82 and (letter == 87 and "1" or "0")
      local policy, is_older = codes[at + 1] - 47, has_written
      has_written = false
      replies[last + 1] = whole.run_short(ARGV[id], mode, policy, main, leases, waiters, is_older)
    end
    at, id = at + 2 * done, id + done
  end
end

if callers > 0 and ARGV[5] == "1" then whole = everything() end
-- See `run_all` of coordinate.lua.
if #codes > 2 then
  local answer = redis.pcall("ZADD", KEYS[#KEYS], "XX", "0", "")
  if type(answer) == "table" and answer.err and string.sub(answer.err, 1, 3) == "OOM" then refused = answer.err end
end
while at < #codes do
  local ok, reply = pcall(run_some)
  if not ok then
    whole = whole or everything()
    replies[#replies + 1] = whole.failure_of(reply)
    at, id = at + 2, id + 1
  end
end
if callers > 0 then replies[#replies + 1] = whole and whole.mail or {} end
return replies
