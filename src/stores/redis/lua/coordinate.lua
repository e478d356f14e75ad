--[[
Runs a batch of requests that involve permits, waiting for permits, or corrections of a key's state.

KEYS     for each target in order of ARGV: its main key, one key for each ring that is not in the main key, and, where
         its policy has permits, the keys of its leases and its waiters
ARGV     now in µs, or "" for the server's TIME, and grace in ms, as for decide.lua
         the channel prefix, 1 if callers have mailboxes, the number of callers (instances of this process that wait),
         and the callers
         the policies as for decide.lua, with permits
         the number of requests; each: a letter, its numbers, the number of targets, the targets (index of policy, cost,
         permits):
         T id, mode, longest wait µs, arrival (0 if new)   take     P id, arrival   ask again
         R id   release or leave     N id   renew
         B µs, 1 or 0, from   block from now on, 0 µs to lift; 1 leaves a longer one as it is     Z from   reset
         both: `from` is the process that asks, "" to tell no other one; after each target its name in such messages
         G      give back; after each target the mark: now, at, cost, and for each rate two integers, how many more there
         are (0 or 5), and those
         F      refund     X   take at the earliest instant, whatever it is

Returns  { now, reply... }; T, P: { status, wait_us, arrival, level... } with status 3 waits (ask again after wait_us),
         4 denied for want of a permit, 5 denied because the queue is full, 6 allowed and taken by an earlier call of
         this id, besides those of decide.lua, and with three integers for the permits of each target that has any: in
         use, µs until one falls free by itself, fencing token
         R: { how many leases and places ended }   N: { 1 held or 0 lost, for each target }   the rest: { level... }
         With callers one more entry: { message... }, of which "gap <whose>" says that a mailbox was not there any more
]]
--- @include _prelude
--- @include _stamps
--- @include _mail
--- @include _guarded

local policies, refused, whole = {}, nil, nil
--- @include _quick_permits

-- Everything beyond the short way, made when a batch needs it: to make it takes longer than a short call.
local function everything()
  --- @include _algorithms
  --- @include _instant
  --- @include _block
  --- @include _state
  --- @include _settle
  --- @include _plan
  -- A function of its own: what it shares with the parts above is found faster so.
  local function coordinate()
    --- @include _slots
    --- @include _queue
    --- @include _take_slots
    --- @include _requests

    -- Made when one is asked for the first time, which is seldom.
    local function add_corrections()
      --- @include _corrections
      --- @include _request_corrections
    end

    local function run(letter)
      books, heads = {}, {} -- the short way may have changed what they knew
      peeks = false
      if not requests[letter] then add_corrections() end
      return requests[letter]()
    end
    return { run = run, read_policy = read_policy }
  end
  return coordinate()
end

for i = 1, number() do
  local policy
  if ARGV[arg_cursor + 4] == "0" then
    policy = { lease_ttl = number(), slots = number(), max_waiters = number(), rates = {}, shape = "" }
    policy.header, policy.old, policy.rings = "", "", number()
  else
    whole = whole or everything()
    policy = whole.read_policy()
  end
  policies[format("%d", i)] = policy
end

-- Tries the short way. Where that returns nothing, all is as it was.
local function quickly(letter)
  local args, keys, reply = arg_cursor, key_cursor, nil
  if letter == "T" and ARGV[args + 4] == "0" and ARGV[args + 5] == "1" and ARGV[args + 8] == "1" then
    local id, mode, policy = ARGV[args + 1], ARGV[args + 2], policies[ARGV[args + 6]]
    if policy.shape ~= "" or mode == "2" then return nil end
    arg_cursor, key_cursor = args + 8, keys + 3
    reply = take_quickly(policy, id, mode, KEYS[keys + 1], KEYS[keys + 2], KEYS[keys + 3])
  elseif letter == "R" and ARGV[args + 2] == "1" and ARGV[args + 5] == "1" then
    if policies[ARGV[args + 3]].shape ~= "" then return nil end
    arg_cursor, key_cursor = args + 5, keys + 3
    reply = release_quickly(ARGV[args + 1], KEYS[keys + 1], KEYS[keys + 2], KEYS[keys + 3])
  end
  if not reply then
    arg_cursor, key_cursor = args, keys
  end
  return reply
end

local replies, count = { now }, number()
-- A server that is full refuses what needs memory only while a script has written nothing. One request of a batch
-- must not open the door for the next: so a batch asks first, by what would add nothing.
if count > 1 then
  local answer = redis.pcall("ZADD", KEYS[#KEYS], "XX", "0", "")
  if type(answer) == "table" and answer.err and sub(answer.err, 1, 3) == "OOM" then refused = answer.err end
end
for i = 1, count do
  local letter = text()
  local reply = guarded(quickly, letter)
  if not reply then
    whole = whole or everything()
    reply, known = guarded(whole.run, letter), {}
  end
  replies[i + 1] = reply
end
if callers > 0 then replies[#replies + 1] = mail end
return replies
