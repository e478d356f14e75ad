--[[
Tells which rules of a limiter are the plain ones, by which values are read that do not name their rules, and registers
that rules are in use. Each process asks this before it first decides by some rules, and again while it does.

The register is text, a line for each of: the plain rules, those that will be plain ("" for none), from when in µs; and four
for all rules in use: as scripts are told them, in words, when they were seen last, how long a key of theirs matters.

Rules become plain where there are none, or those that were have not been seen for longer than a process goes without
asking, and than its keys matter; not at once, but when every process knows of it. Until then no process writes plainly.

KEYS     the register of the limiter
ARGV     now in µs, or "" for the server's TIME; the rules as scripts are told them, the same in words, how long a key of
         theirs matters in µs

Returns  { now, the plain rules, those that will be, from when in µs, how many other rules are in use whose keys are
         different ones, and all others in use, each in words and when they were seen last... }
]]
local call, format, tonumber, min, max = redis.call, string.format, tonumber, math.min, math.max
local now, own, words, life = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4] + 0
if not now then
  local time = call("TIME")
  now = time[1] * 1000000 + time[2]
end
-- The longest that a process decides by what it was told, twice: it may have been told on its way.
local LEASE_US, MOST = 300000000, 16

local lines = {}
for line in string.gmatch(call("GET", KEYS[1]) or "", "([^\n]*)\n") do
  lines[#lines + 1] = line
end
local plain, coming, from = lines[1] or "", lines[2] or "", tonumber(lines[3]) or 0
local entries, seen_until, others, different, told = { { own, words, now, life } }, 0, {}, 0, {}
for i = 4, #lines - 3, 4 do
  local rules, text, seen, matters = lines[i], lines[i + 1], min(tonumber(lines[i + 2]), now), tonumber(lines[i + 3])
  local ends = seen + LEASE_US + matters
  if rules == plain then seen_until = max(seen_until, ends) end
  if not (rules == own and text == words) and ends + LEASE_US > now and #entries < MOST then
    entries[#entries + 1] = { rules, text, seen, matters }
    if seen + LEASE_US > now then
      if rules ~= own and not told[rules] then
        different, told[rules] = different + 1, true
      end
      others[#others + 1] = text
      others[#others + 1] = format("%.0f", seen)
    end
  end
end

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
  text = text .. entry[1] .. "\n" .. entry[2] .. "\n" .. format("%.0f\n%.0f\n", entry[3], entry[4])
  longest = max(longest, entry[4])
end
call("SET", KEYS[1], text, "PX", format("%.0f", (longest + 3 * LEASE_US) / 1000))
return { format("%.0f", now), plain, coming, format("%.0f", from), different, unpack(others) }
