-- What can be asked of coordinate.lua: each letter reads its input and does it.
local function read_targets()
  local targets = { nil } -- made with room for one, as most requests have
  for i = 1, number() do
    targets[i] = read_target()
  end
  return targets
end

local requests = {}

function requests.T()
  local id, mode, max_wait, arrival = text(), text(), number(), number()
  return take(id, mode, max_wait, arrival, read_targets())
end

function requests.P()
  local id, arrival = text(), number()
  return poll(id, arrival, read_targets()[1])
end

-- Ends the leases and places of an id, unless its leases were `removed` before. Returns how many there were.
local function end_all(id, targets, removed)
  local ended = 0
  for i = 1, #targets do
    local target = targets[i]
    local changed = removed or release(target, id, target.permits)
    look(target)
    if not target.quiet then
      if changed == 0 then changed = leave(target, id) end -- who holds a lease has left the queue
      if changed > 0 then promote(target) end
    end
    ended = ended + changed
  end
  return ended
end

function requests.R()
  local id = text()
  return { end_all(id, read_targets(), removed) } -- of a request that is alone
end

-- What an id says about how long it may wait.
local function longest_wait(id)
  return tonumber(string.match(id, "^.-%..-%..%.(%d+)"))
end

function requests.N()
  local id, targets, reply = text(), read_targets(), {}
  for i, target in ipairs(targets) do
    local ends = call("ZSCORE", target.leases, id)
    -- A lease that ran out is held again if no call has taken a permit since and there still is one.
    local held = ends and (tonumber(ends) > now or book_of(target).live + target.permits <= target.policy.permits)
    if held then extend(target, id, target.permits) end
    reply[i] = held and 1 or 0
  end
  return reply
end
