-- What can be asked of coordinate.lua: each letter reads its input and returns the function that does it.
local function read_targets()
  local targets = {}
  for i = 1, number() do
    targets[i] = read_target()
  end
  return targets
end

local requests = {}

function requests.T()
  local id, mode, max_wait, arrival = text(), number(), number(), number()
  local targets = read_targets()
  return function()
    return take(id, mode, max_wait, arrival, targets)
  end
end

function requests.P()
  local id, arrival, targets = text(), number(), read_targets()
  return function()
    return poll(id, arrival, targets[1])
  end
end

function requests.R()
  local id, targets = text(), read_targets()
  return function()
    local ended = 0
    for _, target in ipairs(targets) do
      local changed = release(target, id, target.slots) + call("ZREM", target.waiters, id)
      if changed > 0 then promote(target) end
      ended = ended + changed
    end
    return { ended }
  end
end

function requests.N()
  local id, targets = text(), read_targets()
  return function()
    local reply = {}
    for i, target in ipairs(targets) do
      local ends = call("ZSCORE", target.leases, id)
      -- A lease that ran out is held again if nobody has taken a slot since and there still is one.
      local held = ends and (tonumber(ends) > now or live(target) + target.slots <= target.policy.slots)
      if held then extend(target, id, target.slots) end
      reply[i] = held and 1 or 0
    end
    return reply
  end
end
