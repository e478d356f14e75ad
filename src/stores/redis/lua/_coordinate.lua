-- What coordinate.lua does beyond the short way, in a function of its own.
local policies, refused, rated, peeks, has_met = {}, nil, nil, false, false
local FOREIGN = "FOREIGN the key holds no state of these rules, nor of others that are known"
-- What states of rules with rates begin with.
local LETTERS, DIGITS = "^[CFMPST-Xcfst-\255]", "^%-?" .. string.rep("%d", 16)
-- A policy without rates has nothing of its own in the main key but a block.
local function load_block(target)
  local value, cursor = not target.fresh and call("GET", target.key), 1
  target.blocked, target.states, target.rest = 0, {}, ""
  if not value then return end
  target.blocked, cursor = block_of(value)
  -- Behind the block may stand the states of other rules, which have rates; in a log, the block is in its header.
  local rest = sub(value, cursor > 10 and 1 or cursor)
  if value == "" or rest ~= "" and not (string.find(rest, LETTERS) or string.find(rest, DIGITS)) then
    error(FOREIGN, 0)
  end
  target.rest = rest
end
local function load(target)
  if #target.policy.rates > 0 then return rated.load(target) end
  load_block(target)
end
local function save(target)
  rated.save(target)
end
--- @include _plan
--- @include _target
--- @include _permits
--- @include _queue
--- @include _take_permits
--- @include _requests

-- What knows the algorithms, made when a policy has a rate, or a state is corrected.
local function add_rates()
  local other_rules
  --- @include _algorithms
  --- @include _instant
  --- @include _state
  --- @include _settle

  -- Made when a state is corrected for the first time, details are asked for, or other rules are met: all are rare.
  local more_made
  local function more()
    --- @include _corrections
    --- @include _mixed
    --- @include _request_corrections
    --- @include _details
    return mixed
  end
  local function add_more()
    more_made = more_made or more()
    return more_made
  end

  function other_rules(target)
    add_more().load(target)
  end
  rated = { load = load, save = save, read_policy = read_policy, add_corrections = add_more }
end

local short = letters ~= ""
if short then arg_cursor = arg_cursor + #letters / 2 end -- their ids
for i = 1, short and #ARGV - arg_cursor or number() do
  local policy
  if short or ARGV[arg_cursor + 4] == "0" then
    policy = { rates = {}, shape = "", header = "", old = "", rings = 0, plain = true }
    if short then
      local ttl, permits, most = string.match(text(), "^(%d+) (%d+) (%-?%d+)$")
      policy.lease_ttl, policy.permits, policy.max_waiters = ttl + 0, permits + 0, most + 0
    else
      policy.lease_ttl, policy.permits, policy.max_waiters, policy.rings = number(), number(), number(), number()
    end
  else
    if not rated then add_rates() end
    policy = rated.read_policy()
  end
  policies[i] = policy
end

local function run(letter)
  peeks = false
  if not requests[letter] then
    if not rated then add_rates() end
    rated.add_corrections()
  end
  return requests[letter]()
end

-- A server that is full refuses what needs memory only while a script has written nothing. One request of a batch
-- must not open the door for the next: so a batch asks first, by what would add nothing.
local function run_all()
  local replies, count = { now }, number()
  if count > 1 then
    local answer = redis.pcall("ZADD", KEYS[#KEYS], "XX", "0", "")
    if type(answer) == "table" and answer.err and sub(answer.err, 1, 3) == "OOM" then refused = answer.err end
  end
  for i = 1, count do
    local reply = guarded(run, text())
    replies[i + 1] = reply
    -- One that failed may have written more than it took note of.
    if type(reply) == "string" then
      books, heads = {}, {}
    end
  end
  if callers ~= "" then replies[#replies + 1] = messages end
  if has_met then replies[#replies + 1] = "RULES" end
  return replies
end
if not short then return run_all() end

-- A short request that is more than that; without a mode, a release. What is known here may be older than what the
-- short way has written since. A release comes with how many leases of its id were `removed`.
local function run_short(id, mode, policy, main, leases, waiters, is_older, removed)
  if is_older then
    books, heads = {}, {}
  end
  local target = { policy = policies[policy], cost = 1, permits = 1, blocked = 0 }
  target.key, target.leases, target.waiters = main, leases, waiters
  if not mode then return { end_all(id, { target }, removed) } end
  return take(id, mode, longest_wait(id), 0, { target })
end
return { run_short = run_short }
