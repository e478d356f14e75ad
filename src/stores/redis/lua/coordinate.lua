--[[
Runs a batch of requests that involve permits, waiting for permits, or corrections of a key's state.

KEYS     for each target in order of ARGV: its main key, one key for each ring that is not in the main key, where its
         policy has permits the keys of its leases and its waiters, and one for each of those places
         short requests: the leases of each target, then, for each, its main key and its waiters
ARGV     grace in ms, as for decide.lua
         the letters of short requests (_short_permits.lua), or ""; one letter for a request that is alone and has rates
         the callers (instances of this process that wait), a comma in front of each and behind the last, a colon, and the
         channel prefix; a minus in front of all if they have inboxes
         one letter: the id, all that follows below as one text, with spaces, and, to take, the lease in µs and permits, and
         what bucket.lua is sent of the bucket (_alone_rated.lua)
         short requests: the id of each, and each policy in one: lease in µs, permits, and how many may wait, or -1
         else the policies as for decide.lua, with permits; and, where there are rates, 0 if they are the plain ones of the
         limiter (register.lua), 1 if they are not, and 2 more if no others were in use when the register was asked, with
         that instant in µs; of rules that are not plain the number of the policy that is plain (0 this one), the one that
         will be ("" none), from when in µs, the number of limits whose logs may have keys of their own by those rules and
         not by these, and their places
         the number of requests; each: a letter, its numbers, the number of targets,
         the targets (index of policy, cost, permits):
         T id, mode, longest wait µs, arrival (0 if new)   take     P id, arrival   ask again
         L times   take that often, one after the other, until a denial: one target without permits
         R id   release or leave     N id   renew
         B µs, 1 or 0, from   block from now on, 0 µs to lift; 1 leaves a longer one as it is     Z from   reset
         both: `from` is the process that asks, "" to tell no other one; after each target its name in such messages
         G      give back; after each target the mark: now, at, cost, and for each rate two integers, how many more there
         are (0 or 5), and those
         F      refund     X   take at the earliest instant, whatever it is
         I      look, as T in mode 2, and tell details; after each target, for each rate, how many units are asked about,
         and those

Returns  { now, reply... }; T, P, L: { status, wait_us, arrival, level... } with status 3 waits (ask again after wait_us),
         4 denied for want of a permit, 5 denied because the queue is full, 6 allowed and taken by an earlier call of
         this id, besides those of decide.lua, and with three integers for the permits of each target that has any: in
         use, µs until one falls free by itself, fencing token; L tells how often in place of the arrival
         With status 2, where there are several targets: µs until each is not blocked any more, behind the levels.
         I: as T, then for each target: µs until it is not blocked any more, µs until each number of units is free for each
         rate by itself, and, where it has permits, how many calls wait, and how many processes hold some (-1 not counted)
         R: { how many leases and places ended }   N: { 1 held or 0 lost, for each target }   the rest: { level... }
         Short requests: integers, or the reply of T or R; a single one may be answered by a number in place of all that
         (_alone_take.lua, _alone_release.lua)
         With callers one more entry: { message... }, of which "missed <whose>" says that an inbox was not there any more
         Where a key may have to do with other rules that are in use, which the client does not know of, one more, the
         last: RULES
]]
local now, now_text
-- As in _clock.lua; permits need it as text as well.
if string.byte(ARGV[1]) == 64 then
  now_text, ARGV[1] = string.match(ARGV[1], "^@(%d+) (%d+)$")
else
  local time = redis.call("TIME")
  now_text = time[1] .. (#time[2] == 6 and time[2] or string.sub("00000" .. time[2], -6))
end
now = now_text + 0

-- One request alone has a way in front of all this, which takes longer to make than such a request to decide.
local letters, format, removed, others = ARGV[2], string.format, nil, nil
if #letters == 2 and string.byte(ARGV[3]) ~= 45 then -- a process with inboxes empties them at each call
  if letters == "R0" then
    --- @inline _alone_release
  else
    --- @inline _alone_take
  end
elseif #letters == 1 then
  --- @inline _alone_request
end

-- Everything beyond the short way, made when a batch needs it. It shares nothing with the short way: in Lua, a function
-- costs the more to make the more it sees of what is around it. `messages` takes the messages to the caller.
local function make_general(messages, now, now_text, removed)
  --- @include _prelude
  local letters = text()
  --- @include _stamps
  --- @include _inbox
  --- @include _guarded
  --- @include _block

  -- A function of its own: what it sees of the parts above costs the functions in it nothing more.
  local function coordinate()
    --- @include _coordinate
  end
  return coordinate()
end

if letters == "" then return make_general({}, now, now_text, removed) end
--- @include _short_permits
