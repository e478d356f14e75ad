-- A peek that tells more than decisions need to know, for coordinate.lua.

-- How many processes hold the permits of a target; -1 where these are too many to count.
local function processes_of(target)
  if book_of(target).live > 1000 then return -1 end
  local count, seen = 0, {}
  for _, id in ipairs(call("ZRANGEBYSCORE", target.leases, "(" .. now_text, "+inf")) do
    local process = string.match(id, "^[^.]*")
    if not seen[process] then
      count, seen[process] = count + 1, true
    end
  end
  return count
end

function requests.I()
  local targets, units = {}, {}
  for i = 1, number() do
    local target, asked = read_target(), {}
    for place = 1, #target.policy.rates do
      asked[place] = {}
      for each = 1, number() do
        asked[place][each] = number()
      end
    end
    targets[i], units[i] = target, asked
  end
  local reply = take("", "2", 0, 0, targets)
  for i, target in ipairs(targets) do
    reply[#reply + 1] = max(target.blocked - now, 0)
    for place, rate in ipairs(target.policy.rates) do
      for _, cost in ipairs(units[i][place]) do
        reply[#reply + 1] = rate.kernel.earliest(target.states[place], cost, rate) - now
      end
    end
    if target.policy.permits > 0 then
      reply[#reply + 1] = call("ZCARD", target.waiters)
      reply[#reply + 1] = processes_of(target)
    end
  end
  return reply
end
