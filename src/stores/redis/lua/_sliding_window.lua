-- Exact sliding window (src/algorithms/sliding_window.ts). State: a ring of instants in a string of its own, read and
-- written by place: "s", blocked-until as a double, then head, count and slots as 32-bit integers, then 8 bytes a slot.
-- A small ring is read and written as a whole, which is one command each. Of a large one what is needed is read: the
-- newest entry, the one that decides, and from the oldest on as many as have left the window.
function algorithms.s()
  local HEADER, SMALL, FRONT = 21, 32, 16

  local function read(ring, from, to)
    if to < #ring.bytes then return sub(ring.bytes, from + 1, to + 1) end
    return call("GETRANGE", ring.key, from .. "", to .. "")
  end

  -- The bytes of `count` entries from place `i` on: at most two pieces, for the ring may wrap.
  local function bytes_of(ring, i, count)
    if count <= 0 then return "" end
    local from = (ring.head + i) % ring.slots
    local straight = min(count, ring.slots - from)
    local start = HEADER + from * 8
    local bytes = read(ring, start, start + straight * 8 - 1)
    if straight == count then return bytes end
    return bytes .. read(ring, HEADER, HEADER + (count - straight) * 8 - 1)
  end

  local function entry(ring, i)
    if i < FRONT then
      ring.front = ring.front or bytes_of(ring, 0, min(ring.count, FRONT))
      return (unpack_at("<d", ring.front, i * 8 + 1))
    end
    return (unpack_at("<d", bytes_of(ring, i, 1)))
  end

  local function newest(ring)
    ring.newest = ring.newest or entry(ring, ring.count - 1)
    return ring.newest
  end

  -- How many entries, counted from the oldest, have left the window. They are few where calls are many.
  local function expired(ring, limit)
    if ring.expired then return ring.expired end
    local before, low, high = now - limit.window, 0, ring.count
    if high > 0 and newest(ring) <= before then low = high end
    local step = 1 -- doubles until an entry is found that has not left
    while low < high do
      local middle = step and min(low + step, high) - 1 or floor((low + high) / 2)
      if entry(ring, middle) <= before then
        low, step = middle + 1, step and step * 2
      else
        high, step = middle, nil
      end
    end
    ring.expired = low
    return low
  end

  local function header(ring)
    return "s" .. pack("<dI4I4I4", ring.blocked, ring.head, ring.count, ring.slots)
  end

  -- What was read of a ring no longer holds.
  local function forget(ring)
    ring.bytes, ring.front, ring.newest, ring.expired = "", nil, nil, nil
  end

  -- Replaces the whole ring by `count` entries in `bytes`, with room for `slots`.
  local function rewrite(ring, bytes, count, slots, ttl)
    ring.head, ring.count, ring.slots = 0, count, slots
    call("SET", ring.key, header(ring) .. bytes .. string.rep("\0", (slots - count) * 8), "PX", ttl)
    forget(ring)
  end

  return {
    bytes_of = bytes_of,
    rewrite = rewrite,
    read = function()
      local capacity, window = number(), number()
      return {
        capacity = capacity,
        window = window,
        ring = true,
        last_byte = HEADER + 8 * min(capacity, SMALL) - 1 .. "",
      }
    end,
    open = function(key, limit)
      local bytes = call("GETRANGE", key, "0", limit.last_byte)
      local ring = { key = key, bytes = bytes, blocked = 0, head = 0, count = 0, slots = 0 }
      if sub(bytes, 1, 1) == "s" and #bytes >= HEADER then
        ring.blocked, ring.head, ring.count, ring.slots = unpack_at("<dI4I4I4", bytes, 2)
      end
      return ring
    end,
    earliest = function(ring, cost, limit)
      local deciding = ring.count + cost - limit.capacity - 1
      if deciding < 0 then return now end
      return max(now, entry(ring, deciding) + limit.window)
    end,
    measure = function(ring, limit)
      local used = ring.count - expired(ring, limit)
      if used == 0 then return 0, 0 end
      return used, newest(ring) + limit.window - now
    end,
    -- Writes at once: a large ring is never read as a whole.
    take = function(ring, at, cost, limit)
      local stamp = at
      if ring.count > 0 then stamp = max(at, newest(ring)) end
      local drop = max(expired(ring, limit), ring.count + cost - limit.capacity)
      local kept = ring.count - drop
      local needed, slots = kept + cost, ring.slots
      local ttl = ttl_ms(max(stamp + limit.window, ring.blocked))
      local added = string.rep(pack("<d", stamp), cost)
      if needed > slots then slots = max(needed, min(limit.capacity, needed + floor(needed / 64) + 4)) end
      if slots > ring.slots or slots <= SMALL then
        rewrite(ring, bytes_of(ring, drop, kept) .. added, needed, slots, ttl)
      else
        ring.head = (ring.head + drop) % slots
        ring.count = needed
        local from = (ring.head + kept) % slots
        local straight = min(cost, slots - from)
        call("SETRANGE", ring.key, HEADER + from * 8 .. "", sub(added, 1, straight * 8))
        if straight < cost then call("SETRANGE", ring.key, HEADER .. "", sub(added, straight * 8 + 1)) end
        call("SETRANGE", ring.key, "0", header(ring))
        call("PEXPIRE", ring.key, ttl)
        forget(ring)
      end
      ring.newest, ring.expired = stamp, 0
    end,
  }
end
