--[[
Tells which rules of a limiter are the plain ones, by which values are read that do not name their rules, and registers
that rules are in use. Each process asks this before it first decides by some rules, again while it does, and once more
when it will not do so any longer.

The register is text, a line for each of: the plain rules, those that will be plain ("" for none), from when in µs; and five
for all rules in use: as scripts get them, in words, when they were seen last, how long a key of theirs matters, and
when they were first seen, the present span, and how many processes were counted in the one before, and in this one.

Rules become plain where there are none, or those that were have not been seen for longer than a process goes without
asking, and than its keys matter; not at once, but when every process knows of it. Until then no process writes plainly.

A process is counted once in each span, in which it asks at least once. So one that crashed is not counted for long, and
the rules that the last one has signed off from are in use no more.

KEYS     the register of the limiter
ARGV     now in µs, or "" for the server's TIME; the rules as scripts get them, the same in words, how long a key of
         theirs matters in µs, where this process was counted last, or "", and 1 if it signs off, or 0

Returns  { now, the plain rules, those that will be, from when in µs, how many other rules are in use whose keys are
         different ones, where this process was counted, and all others in use, each in words and when they were seen
         last... }; a process that signs off does not read it
]]
local call, format, tonumber, min, max = redis.call, string.format, tonumber, math.min, math.max
local now, own, words, life, counted, leaves = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4] + 0, ARGV[5], ARGV[6] == "1"
if not now then
  local time = call("TIME")
  now = time[1] * 1000000 + time[2]
end
-- The longest that a process decides by what it was told, twice: it may have been told on its way. A span is as long.
local LEASE_US, MOST, NUMBERS = 300000000, 16, "^(%d+) (%d+) (%d+) (%d+)$"

-- How many processes were counted in the span before, and in this one.
local function counts_of(span, stored_span, before, count)
  if span == stored_span then return before, count end
  return span == stored_span + 1 and count or 0, 0
end

local lines = {}
for line in string.gmatch(call("GET", KEYS[1]) or "", "([^\n]*)\n") do
  lines[#lines + 1] = line
end
local plain, coming, from = lines[1] or "", lines[2] or "", tonumber(lines[3]) or 0
local entries, seen_until, others, different, told = {}, 0, {}, 0, {}
local first, span, before, count, seen_last = now, math.floor(now / LEASE_US), 0, 0, now
for i = 4, #lines - 4, 5 do
  local rules, text, seen, matters = lines[i], lines[i + 1], min(tonumber(lines[i + 2]), now), tonumber(lines[i + 3])
  local ends = seen + LEASE_US + matters
  if rules == own and text == words then
    if ends + LEASE_US > now then
      local a, b, c, d = string.match(lines[i + 4], NUMBERS)
      first, span, seen_last = a + 0, max(b + 0, span), seen
      before, count = counts_of(span, b + 0, c + 0, d + 0)
    end
  elseif ends + LEASE_US > now and #entries < MOST then
    entries[#entries + 1] = { rules, text, seen, matters, lines[i + 4] }
    if seen + LEASE_US > now then
      if rules ~= own and not told[rules] then
        different, told[rules] = different + 1, true
      end
      others[#others + 1] = text
      others[#others + 1] = format("%.0f", seen)
    end
  end
  if rules == plain then seen_until = max(seen_until, ends) end
end

-- This process, if it was counted: in the span before, or in this one.
local counted_first, counted_span = string.match(counted, "^(%d+) (%d+)$")
local is_counted = tonumber(counted_first) == first
if leaves and not is_counted then return {} end
if is_counted then
  if counted_span + 0 == span then
    count = max(count - 1, 0)
  elseif counted_span + 1 == span then
    before = max(before - 1, 0)
  end
end
if not leaves then
  count, seen_last = count + 1, now
elseif before + count == 0 then
  seen_last = min(seen_last, now - LEASE_US)
end
table.insert(entries, 1, { own, words, seen_last, life, format("%.0f %.0f %.0f %.0f", first, span, before, count) })

if coming ~= "" and now >= from then
  plain, coming, seen_until = coming, "", now
end
if plain == "" then
  plain = own
elseif plain ~= own and coming == "" and seen_until < now then
  coming, from = own, now + LEASE_US
end

local text, longest = plain .. "\n" .. coming .. "\n" .. format("%.0f", from) .. "\n", 0
for _, entry in ipairs(entries) do
  text = text .. entry[1] .. "\n" .. entry[2] .. "\n" .. format("%.0f\n%.0f\n", entry[3], entry[4]) .. entry[5] .. "\n"
  longest = max(longest, entry[4])
end
call("SET", KEYS[1], text, "PX", format("%.0f", (longest + 3 * LEASE_US) / 1000))
counted = format("%.0f %.0f", first, span)
return { format("%.0f", now), plain, coming, format("%.0f", from), different, counted, unpack(others) }
