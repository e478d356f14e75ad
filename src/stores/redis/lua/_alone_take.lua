-- One take of a permit that is free, where no call waits and nothing is blocked, and the last token is of this step
-- (_short_take.lua): the reply is now, or, where others hold permits, as a short one. Else nothing is done. Lines of
-- coordinate.lua.
--- @inline _short_trust
local try, leases, id = redis.pcall, KEYS[1], ARGV[4]
local ttl, permits = string.match(ARGV[5], "^(%d+) (%d+)")
others, ttl = try("EXISTS", KEYS[2], KEYS[3]), ttl + 0
if others == 0 and ttl <= LONGEST_TRUSTED_US then
  local members, below_now = try("ZCARD", leases), "-" .. now_text
  local step_token = "-" .. string.sub(now_text, 1, -8) .. "0000000"
  if members ~= 0 and try("ZCOUNT", leases, "(" .. below_now, step_token) == 1 then
    local live, first_end, ends = members - 1, now + ttl, now + ttl
    if live > 0 then
      local entry = try("ZRANGE", leases, "1", "1", "WITHSCORES")
      first_end = entry[2] + 0
      if first_end <= now then live = permits + 0 end -- it has ended: the short way counts
      if first_end > ends then first_end = ends end
    end
    if live < permits + 0 then
      local added = try("ZADD", leases, below_now, "#", format("%d", ends), id)
      if type(added) == "number" then
        if live == 0 then return now end
        return { now, live + 1, first_end - now, 0, string.byte(ARGV[3]) ~= 58 and {} or nil }
      end
    end
  end
end
