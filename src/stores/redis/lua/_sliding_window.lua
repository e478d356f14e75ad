-- Exact sliding window (src/algorithms/sliding_window.ts). State: a ring of instants in a string of its own, read and
-- written by place: "s", blocked-until as a double, then head, count and slots as 32-bit integers, then 8 bytes a slot.
local HEADER = 21

local function ring_open(key)
  local header = call("GETRANGE", key, 0, HEADER - 1)
  local ring = { key = key, blocked = 0, head = 0, count = 0, slots = 0 }
  if sub(header, 1, 1) == "s" and #header == HEADER then
    ring.blocked, ring.head, ring.count, ring.slots = unpack_at("<dI4I4I4", header, 2)
  end
  return ring
end

local function ring_header(ring)
  return "s" .. pack("<dI4I4I4", ring.blocked, ring.head, ring.count, ring.slots)
end

local function ring_entry(ring, i)
  local from = HEADER + (ring.head + i) % ring.slots * 8
  return (unpack_at("<d", call("GETRANGE", ring.key, from, from + 7)))
end

-- The bytes of `count` entries from place `i` on: at most two pieces, for the ring may wrap.
local function ring_bytes(ring, i, count)
  if count <= 0 then return "" end
  local from = (ring.head + i) % ring.slots
  local straight = min(count, ring.slots - from)
  local start = HEADER + from * 8
  local bytes = call("GETRANGE", ring.key, start, start + straight * 8 - 1)
  if straight == count then return bytes end
  return bytes .. call("GETRANGE", ring.key, HEADER, HEADER + (count - straight) * 8 - 1)
end

-- How many entries, counted from the oldest, have left the window.
local function ring_expired(ring, limit)
  local low, high = 0, ring.count
  while low < high do
    local middle = floor((low + high) / 2)
    if ring_entry(ring, middle) + limit.window <= now then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end

-- Replaces the whole ring by `count` entries in `bytes`, with room for `slots`.
local function ring_rewrite(ring, bytes, count, slots, ttl)
  ring.head, ring.count, ring.slots = 0, count, slots
  call("SET", ring.key, ring_header(ring) .. bytes .. string.rep("\0", (slots - count) * 8), "PX", ttl)
end

kernels.s = {
  read = function()
    return { capacity = number(), window = number() }
  end,
  earliest = function(ring, cost, limit)
    local deciding = ring.count + cost - limit.capacity - 1
    if deciding < 0 then return now end
    return max(now, ring_entry(ring, deciding) + limit.window)
  end,
  measure = function(ring, limit)
    local used = ring.count - ring_expired(ring, limit)
    if used == 0 then return 0, 0 end
    return used, ring_entry(ring, ring.count - 1) + limit.window - now
  end,
  -- Writes at once: the ring is never read as a whole.
  take = function(ring, at, cost, limit)
    local stamp = at
    if ring.count > 0 then stamp = max(at, ring_entry(ring, ring.count - 1)) end
    local drop = max(ring_expired(ring, limit), ring.count + cost - limit.capacity)
    local kept = ring.count - drop
    local ttl = ttl_ms(max(stamp + limit.window, ring.blocked))
    local added = string.rep(pack("<d", stamp), cost)
    if kept + cost > ring.slots then
      local needed = kept + cost
      local slots = max(needed, min(limit.capacity, needed + floor(needed / 64) + 4))
      ring_rewrite(ring, ring_bytes(ring, drop, kept) .. added, needed, slots, ttl)
      return
    end
    ring.head = (ring.head + drop) % ring.slots
    ring.count = kept + cost
    local from = (ring.head + kept) % ring.slots
    local straight = min(cost, ring.slots - from)
    call("SETRANGE", ring.key, HEADER + from * 8, sub(added, 1, straight * 8))
    if straight < cost then call("SETRANGE", ring.key, HEADER, sub(added, straight * 8 + 1)) end
    call("SETRANGE", ring.key, 0, ring_header(ring))
    call("PEXPIRE", ring.key, ttl)
  end,
}
