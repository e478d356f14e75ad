--[[
Runs a batch of requests that involve slots, waiting for slots, or corrections of a key's state.

KEYS     for each target in order of ARGV: its main key, one key for each ring that is not in the main key, and, where
         its policy has slots, the keys of its leases and its waiters
ARGV     as for decide.lua up to the policies (whose slots may be above 0), then the channel prefix, the number of the
         caller's mailboxes and whose they are, then the number of requests; each: a letter, its numbers, the number of
         targets, the targets (index of policy, cost, slots):
         T id, mode, longest wait µs, arrival (0 if new)   take     P id, arrival   ask again
         R id   release or leave     N id   renew           B µs, 1 or 0   block from now on, 0 µs to lift; 1 leaves
         a longer one as it is
         G      give back; after each target the mark: now, at, and two integers for each rate
         F      refund     X   take at the earliest instant, whatever it is     Z   reset

Returns  { now, reply... }; T, P: { status, wait_us, arrival, level... } with status 3 queued (ask again after wait_us)
         and 4 denied for want of a slot besides those of decide.lua, and with three integers for the slots of each
         target that has any: in use, µs until one falls free by itself, fencing token
         R: { how many leases and places ended }   N: { 1 held or 0 lost, for each target }   the rest: { level... }
         With mailboxes one more entry: { message... }, of which "gap <whose>" says that one was not there any more
]]
--- @include _prelude
--- @include _token_bucket
--- @include _windows
--- @include _fixed_window
--- @include _sliding_window_counter
--- @include _sliding_window
--- @include _instant
--- @include _state
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

  local replies = { now }
  for i = 1, number() do
    local letter = text()
    if not requests[letter] then add_corrections() end
    replies[i + 1] = guarded(requests[letter])
  end
  if mailboxes > 0 then replies[#replies + 1] = mail end
  return replies
end
return coordinate()
