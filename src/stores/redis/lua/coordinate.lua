--[[
Runs a batch of requests that involve permits, waiting for permits, or corrections of a key's state.

KEYS     for each target in order of ARGV: its main key, one key for each ring that is not in the main key, where its
         policy has permits the keys of its leases and its waiters, and one for each of those places
ARGV     now in µs, or "" for the server's TIME, and grace in ms, as for decide.lua
         the letters of short requests (_short_permits.lua), or ""
         the channel prefix, 1 if callers have mailboxes, the number of callers (instances of this process that wait),
         and the callers
         the policies as for decide.lua, with permits; and, where there are rates, 0 if they are the plain ones of the
         limiter (register.lua), 1 if they are not, and 2 more if no others were in use when the register was asked, with
         that instant in µs; of rules that are not plain the number of the policy that is plain (0 this one), the one that
         will be ("" none), from when in µs, the number of limits whose logs may have keys of their own by those rules and
         not by these, and their places
         short requests: the id of each. Else the number of requests; each: a letter, its numbers, the number of targets,
         the targets (index of policy, cost, permits):
         T id, mode, longest wait µs, arrival (0 if new)   take     P id, arrival   ask again
         L times   take that often, one after the other, until a denial: one target without permits
         R id   release or leave     N id   renew
         B µs, 1 or 0, from   block from now on, 0 µs to lift; 1 leaves a longer one as it is     Z from   reset
         both: `from` is the process that asks, "" to tell no other one; after each target its name in such messages
         G      give back; after each target the mark: now, at, cost, and for each rate two integers, how many more there
         are (0 or 5), and those
         F      refund     X   take at the earliest instant, whatever it is

Returns  { now, reply... }; T, P, L: { status, wait_us, arrival, level... } with status 3 waits (ask again after wait_us),
         4 denied for want of a permit, 5 denied because the queue is full, 6 allowed and taken by an earlier call of
         this id, besides those of decide.lua, and with three integers for the permits of each target that has any: in
         use, µs until one falls free by itself, fencing token; L tells how often in place of the arrival
         R: { how many leases and places ended }   N: { 1 held or 0 lost, for each target }   the rest: { level... }
         Short requests: integers, or the reply of T or R
         With callers one more entry: { message... }, of which "gap <whose>" says that a mailbox was not there any more
         Where a key may have to do with other rules that are in use, which the client does not know of, one more, the
         last: RULES
]]
local ARGV, KEYS, call = ARGV, KEYS, redis.call

-- Everything beyond the short way, made when a batch needs it. It shares nothing with the short way: in Lua, a function
-- costs the more to make the more it sees of what is around it.
local function everything()
  --- @include _prelude
  local short = text() ~= ""
  --- @include _stamps
  --- @include _mail
  --- @include _guarded
  --- @include _block

  local policies, refused, rated, peeks, has_met = {}, nil, nil, false, false
  -- A policy without rates has nothing of its own in the main key but a block.
  local function load(target)
    if #target.policy.rates > 0 then return rated.load(target) end
    local value, cursor = not target.fresh and call("GET", target.key) or "", 1
    target.blocked, cursor = block_of(value)
    -- Behind the block may stand the states of other rules, which have rates; in a log, the block is in its header.
    target.states, target.rest = {}, sub(value, cursor > 10 and 1 or cursor)
  end
  local function save(target)
    rated.save(target)
  end
  --- @include _plan
  --- @include _target
  --- @include _slots
  --- @include _queue
  --- @include _take_slots
  --- @include _requests

  -- What knows the algorithms, made when a policy has a rate, or a state is corrected.
  local function add_rates()
    local other_rules
    --- @include _algorithms
    --- @include _instant
    --- @include _state
    --- @include _settle

    -- Made when a state is corrected for the first time, or when other rules are met: both are seldom.
    local more_made
    local function more()
      --- @include _corrections
      --- @include _mixed
      --- @include _request_corrections
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

  for i = 1, number() do
    local policy
    if ARGV[arg_cursor + 4] == "0" then
      policy = { lease_ttl = number(), slots = number(), max_waiters = number(), rates = {}, shape = "" }
      policy.header, policy.old, policy.rings, policy.plain = "", "", number(), true
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
      replies[i + 1] = guarded(run, text())
    end
    if callers > 0 then replies[#replies + 1] = mail end
    if has_met then replies[#replies + 1] = "RULES" end
    return replies
  end
  if not short then return run_all() end

  -- A short request that is more than that; without a mode, a release. What is known here may be older than what the
  -- short way has written since.
  local function run_short(id, mode, policy, main, leases, waiters, is_older)
    if is_older then
      books, heads = {}, {}
    end
    local target = { policy = policies[policy], cost = 1, slots = 1, blocked = 0 }
    target.key, target.leases, target.waiters = main, leases, waiters
    if not mode then return { end_all(id, { target }) } end
    return take(id, mode, longest_wait(id), 0, { target })
  end
  return { run_short = run_short, failure_of = failure_of, keep = keep, mail = mail }
end

local now = tonumber(ARGV[1])
if not now then
  local time = call("TIME")
  now = time[1] * 1000000 + time[2]
  ARGV[1] = now
end
if ARGV[3] == "" then return everything() end
--- @include _short_permits
