-- One take or release of a permit where there are rates, in front of the long way, which reads the words of ARGV[5].
local try, id, leases = redis.pcall, ARGV[4], #KEYS - 1
if letters == "R" then
  -- As _alone_release.lua. A block is no matter of a release, and rates are not if no call waits.
  removed = try("ZREM", KEYS[leases], id)
  if type(removed) ~= "number" then
    removed = nil -- the long way tells why
  elseif try("EXISTS", KEYS[#KEYS]) == 0 then
    return 2 * now + removed
  end
else
  --- @inline _alone_rated
end
-- The same request as the long way reads it.
local at, words = 3, ARGV[5]
letters, ARGV[2] = "", ""
for word in string.gmatch(words, "%S+") do
  at = at + 1
  ARGV[at] = word
end
