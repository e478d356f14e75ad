-- Exact sliding window (src/algorithms/sliding_window/kernel.ts). State: a log of runs (_run_log.lua).
function algorithms.s()
  --- @include _run_log
  --- @include _run_log_changes
  --- @include _run_log_settle

  -- How many runs have left the window, and their units.
  local function expired(log, limit)
    if not log.expired then
      log.expired, log.expired_units = 0, 0
      local before = now - limit.window
      if log.count > 0 and log.newest <= before then
        log.expired, log.expired_units = log.count, log.total
      elseif log.count > 0 then
        log.expired, log.expired_units = walk(log, nil, before)
      end
    end
    return log.expired, log.expired_units
  end

  -- What the work on a log needs to know of a limit.
  local function limit_of(capacity, window)
    local power = 6
    while power < 10 and 4 ^ power < capacity do
      power = power + 1
    end
    return {
      capacity = capacity,
      window = window,
      ring = true,
      power = window < LONG and power or power + 16,
      last_byte = HEADER + 4 + 8 * SMALL - 1,
    }
  end

  return {
    open = open,
    read = function()
      return limit_of(number(), number())
    end,
    limit_of = limit_of,
    settle = settle_runs,
    earliest = function(log, cost, limit)
      local at = max(now, log.promised)
      local excess = log.total + cost - limit.capacity
      if excess <= 0 then return at end
      local _, _, stamp = walk(log, excess)
      return max(at, stamp + limit.window)
    end,
    measure = function(log, limit)
      local _, left = expired(log, limit)
      local used = log.total - left
      if used == 0 then return 0, 0 end
      return log.promised > now and limit.capacity or used, log.newest + limit.window - now
    end,
    -- Writes at once: a large log is never read as a whole.
    take = function(log, at, cost, limit)
      local stamp = at
      if log.count > 0 then stamp = max(at, log.newest) end
      encode(log, stamp, 1) -- fails before anything is written
      promise(log, at > now and stamp or log.promised, limit)
      local ttl = life_of(log, stamp, limit)
      renew(log, limit)
      local gone, gone_units = expired(log, limit)
      log.count, log.total, log.window = log.count - gone, log.total - gone_units, limit.window
      if log.count == 0 then
        if log.slots > SMALL and log.power == limit.power then
          log.head, log.tail, log.ones = 0, 0, true
        else
          clear(log, limit)
        end
      else
        log.head = slot_of(log, gone)
      end
      -- Units of one instant are one run, as far as it can hold them.
      local added, replaced, units = cost, nil, 0
      if log.count > 0 and stamp == log.newest then
        local _, own = entry(log, log.count - 1)
        units = own
        if units < log.most then
          replaced = min(log.most - units, cost)
          added = cost - replaced
        end
      end
      log.total, log.newest, log.ones = log.total + cost, stamp, log.ones and cost == 1 and not replaced
      local needed = log.count + ceil(added / log.most)
      local is_written_whole = log.slots <= SMALL or (needed > log.slots and log.slots <= log.page)
      if is_written_whole then
        local kept = runs_of(log)
        if replaced then kept = sub(kept, 1, -9) .. encode(log, stamp, units + replaced) end
        local slots = needed > log.slots and room_for(needed, limit.capacity, log.page) or log.slots
        if added > 0 and added <= log.most then
          kept, added = kept .. encode(log, stamp, added), 0
        end
        log.bytes = layout(log, kept, slots)
        call("SET", log.key, log.bytes, "PX", ttl)
      else
        if needed > log.slots then grow(log, needed, limit, ttl) end
        if replaced then
          local slot = slot_of(log, log.count - 1)
          log.tail = log.tail + replaced
          local from = offset(log, slot)
          call("SETRANGE", log.key, format("%d", from), encode(log, stamp, units + replaced))
          if (slot + 1) % log.page == 0 or slot + 1 == log.slots then
            local page = from - 8 * (slot % log.page) - 4
            call("SETRANGE", log.key, format("%d", page), pack("<I4", log.tail))
          end
        end
      end
      if added > 0 or not is_written_whole then
        append(log, stamp, added)
        call("SETRANGE", log.key, "0", header(log))
        call("PEXPIRE", log.key, ttl)
        log.bytes = ""
      end
      log.expired, log.expired_units = 0, 0
    end,
    -- Made when one is needed for the first time, which is rare.
    corrections = function()
      --- @include _run_log_corrections
      return { give_back = give_back_runs, refund = refund_runs, block = block_runs }
    end,
    lists = function()
      --- @include _run_log_lists
      return { read = read_list, write = write_list }
    end,
  }
end
