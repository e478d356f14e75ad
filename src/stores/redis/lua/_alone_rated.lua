-- One take from a token bucket and of a permit that is free, of one limiter ("T") or of two ("A": the bucket comes first;
-- "B": the permit), where no call waits, nothing is blocked and no lease has ended. The reply is now, permits in
-- use, µs until one falls free by itself, and where the bucket stands, µs and remainder; the fencing token is now. Else
-- nothing is done. Lines of coordinate.lua.
--- @inline _short_trust
local call = redis.call
if letters == "B" then leases = 2 end
local ttl, permits = string.match(ARGV[6], "^(%d+) (%d+)$")
local quiet = try("EXISTS", KEYS[leases + 1], KEYS[leases - (letters == "T" and -1 or 1)]) == 0 -- the main key of the permit
ttl, leases = ttl + 0, KEYS[leases]
local members = quiet and try("ZCARD", leases)
local live, first_end, kept = nil, now + ttl, leases
if members == 0 then
  live = 0
elseif type(members) == "number" then
  local step_token = "-" .. string.sub(now_text, 1, -8) .. "0000000"
  if ttl <= LONGEST_TRUSTED_US and try("ZCOUNT", leases, "(-" .. now_text, step_token) == 1 then
    live, kept = members - 1, nil -- it lives long enough
  elseif try("ZCOUNT", leases, "(-" .. now_text, "0") == 1 then
    live = members - 1
  end
  if live and live > 0 then
    local ends = try("ZRANGE", leases, "1", "1", "WITHSCORES")[2] + 0
    if ends <= now then live = nil end
    if ends < first_end then first_end = ends end
  end
end
if live and live < permits + 0 then
  local ends, full_us, reach_after = format("%d", now + ttl), nil, nil -- no call waits for a bucket and a permit
  local key, longest_wait, LONGEST_US = KEYS[letters == "B" and 4 or 1], 0, 1e13
  --- @inline _ttl_tag
  local burst_us, cost_text, ttl_tag, cost_rem, denominator, burst_rem, digits =
    string.match(ARGV[7], "^(%d+) (%d+) (%d+) ?(%d*) ?(%d*) ?(%d*) ?(%d*)$")
  burst_us, ttl_tag, denominator = burst_us + 0, ttl_tag + 0, denominator ~= "" and denominator + 0
  --- @inline _alone_bucket
  if fits then
    local left = members == 0 and -1 or kept and call("PTTL", kept)
    call("ZADD", leases, "-" .. now_text, "#", ends, id)
    if kept then
      --- @inline _short_keep
    end
    local full_in = denominator and us - now or level
    return { now, live + 1, first_end - now, full_in, rem }
  end
end
