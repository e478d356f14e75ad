--[[
Decides a batch of requests over rate limits. Each request takes from all of its targets, or from none.

KEYS     for each target in order of ARGV: its main key, then one key for each ring that is not in the main key
ARGV     grace in ms, added to every time to live; of tests "@now grace" (_clock.lua)
         number of policies; each: lease TTL µs, permits (0), most waiters (-1 for any number), number of rates; each:
           letter and numbers; and, where there are rates, 0, because others are no business of this script
         number of requests; each: mode (0 now, 1 wait, 2 peek), longest wait µs, number of targets;
           each target: index of its policy, cost, permits (0)

Returns  { now, { status, wait_us, level... }... }
         status 1 allowed (from now + wait_us on), 0 denied by a rate, 2 denied by a block; wait_us then tells how long
         a level is two integers for each rate of each target; if it is denied by a block and there are several targets,
         µs until each is not blocked any more stand behind the levels; else, behind all levels stands what marks hold besides them:
         the place of the limit among all, from 0, and five integers; in place of a request that failed stands its
         message, RULES where a key has to do with other rules
]]
--- @include _clock
--- @include _prelude
--- @include _algorithms
--- @include _instant
--- @include _block
--- @include _guarded
local policies, peeks = {}, false
-- What is not by the plain rules is read by coordinate.lua: the client asks that again.
local function other_rules()
  error("RULES", 0)
end
--- @include _state
--- @include _settle
--- @include _plan
for i = 1, number() do
  policies[i] = read_policy()
end

local function decide()
  local mode, max_wait, at, blocked = text(), number(), now, now
  local targets = { nil } -- made with room for one, as most requests have
  for i = 1, number() do
    targets[i] = read_target()
  end
  peeks = mode == "2"
  for i = 1, #targets do
    local target = targets[i]
    at = max(at, plan(target))
    blocked = max(blocked, target.blocked)
  end
  local allowed = at <= now or (mode == "1" and at - now <= max_wait)
  if allowed and mode ~= "2" then
    for i = 1, #targets do
      commit(targets[i], at)
    end
  end
  local reply = { allowed and 1 or blocked > now and 2 or 0, at - now, nil, nil }
  for i = 1, #targets do
    levels(reply, targets[i])
  end
  for i = 1, reply[1] == 2 and #targets > 1 and #targets or 0 do
    reply[#reply + 1] = max(targets[i].blocked - now, 0)
  end
  append_traces(reply, targets)
  return reply
end

local replies = { now }
for i = 1, number() do
  replies[i + 1] = guarded(decide)
end
return replies
