-- Permits: leases that end by themselves, and a queue of those who wait for one.
--
-- leases   sorted set: lease id -> end of the lease in µs; "#" -> the last fencing token, negative
-- waiters  sorted set: id -> arrival in µs, each later than the one before
-- An id is instance.sequence~lease_us.kind.timeout_us.permits.cost; kind "d" is handed its permit directly, "t" is called.
-- A "t" that was called here, and lacks another permit now, keeps its place under its id and "k".

-- What a batch knows of the leases of a key: the last fencing token, how many leases have not ended, the first end of
-- those where it is known, and whether the set is tidy: the token, and nothing that has ended.
local books = {}
local function book_of(target)
  local book = books[target.leases]
  if book then return book end
  local first = call("ZRANGE", target.leases, "0", "1", "WITHSCORES")
  book = { fence = 0, live = 0, first_end = nil, tidy = false, kept = 0 }
  if first[1] == "#" then
    book.fence = -first[2]
    book.tidy = not first[4] or first[4] + 0 > now
    if book.tidy and first[4] then book.first_end = first[4] + 0 end
  end
  if first[3] or not book.tidy then book.live = call("ZCOUNT", target.leases, "(" .. now_text, "+inf") end
  books[target.leases] = book
  return book
end

-- When the n-th of the leases that have not ended does so.
local function end_of(target, n)
  local book = book_of(target)
  if n == 1 and book.first_end then return book.first_end end
  local ends = n == 1 and book.tidy and call("ZRANGE", target.leases, "1", "1", "WITHSCORES")
    or call("ZRANGEBYSCORE", target.leases, "(" .. now_text, "+inf", "WITHSCORES", "LIMIT", n - 1, "1")
  if n == 1 then book.first_end = ends[2] + 0 end
  return ends[2] + 0
end

-- µs until the permit that makes room for `permits` more falls free by itself; 0 where there is room. For ever where
-- there are fewer permits than that.
local function permit_wait(target, permits)
  local live = book_of(target).live
  local missing = live + permits - target.policy.permits
  if missing > live then return 1e15 end
  return missing <= 0 and 0 or end_of(target, missing) - now
end

-- Whether `id` holds a lease that has not ended.
local function holds(target, id)
  return tonumber(call("ZSCORE", target.leases, id) or 0) > now
end

-- Longer than the leases last: one that ran out is held again when it is renewed, if no call took its permit. As long as
-- the short way counts on.
local function keep_leases(target)
  local book, us = books[target.leases], max(4 * target.policy.lease_ttl, 60000000)
  if book and book.kept >= us then return end
  keep(target.leases, us)
  if book then book.kept = us end
end

-- A token above every one that this key has given out.
local function next_fence(target)
  return max(now, book_of(target).fence + 1)
end

-- The leases of `id` last for their full time from now on.
local function extend(target, id, permits)
  call("ZADD", target.leases, end_text(target.policy), id)
  for permit = 2, permits do
    call("ZADD", target.leases, end_text(target.policy), id .. "+" .. permit)
  end
  books[target.leases] = nil
  keep_leases(target)
end

-- Gives `permits` permits to `id`, which the caller knows to be free. Returns the fencing token.
local function grant(target, id, permits)
  local book = book_of(target)
  local fence = next_fence(target)
  local added = call("ZADD", target.leases, fence_text(fence), "#", end_text(target.policy), id)
  if book.fence == 0 then added = added - 1 end
  -- Not before the ZADD: a server that is full refuses that only while the script has written nothing.
  if not book.tidy then call("ZREMRANGEBYSCORE", target.leases, "1", now_text) end
  if added == 1 and permits <= 1 then
    local ends = now + target.policy.lease_ttl
    if book.live == 0 then book.first_end = ends end
    if book.first_end then book.first_end = min(book.first_end, ends) end
    book.fence, book.live, book.tidy = fence, book.live + 1, true
    keep_leases(target)
  else
    extend(target, id, permits)
  end
  return fence
end

local function release(target, id, permits)
  local removed = call("ZREM", target.leases, id)
  for permit = 2, permits do
    removed = removed + call("ZREM", target.leases, id .. "+" .. permit)
  end
  books[target.leases] = nil
  return removed
end

-- Where there is no permit left, cuts leases that end later than their own length from now: they were taken before the
-- clock stepped back. A holder that is alive renews its lease before that. An id tells its length behind "~". A hundred
-- at a time.
local function cut_leases(target)
  if permit_wait(target, target.permits) == 0 then return end
  local from = "(" .. end_text(target.policy)
  if call("ZCOUNT", target.leases, from, "+inf") == 0 then return end
  local late = call("ZRANGEBYSCORE", target.leases, from, "+inf", "WITHSCORES", "LIMIT", "0", "100")
  for i = 1, #late, 2 do
    local length = tonumber(string.match(late[i], "^[^.]*%.%d+~(%d+)%."))
    if length and late[i + 1] - now > length then call("ZADD", target.leases, stamp(now + length), late[i]) end
  end
  books[target.leases] = nil
end

-- Appends permits in use, µs until one falls free by itself, and the fencing token of a new lease.
local function permit_level(reply, target, fence)
  if target.policy.permits == 0 then return end
  local live, last = book_of(target).live, #reply
  reply[last + 1], reply[last + 2], reply[last + 3] = live, live > 0 and end_of(target, 1) - now or 0, fence or 0
end
