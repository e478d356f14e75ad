-- One release where no call waits and nothing is blocked. The reply is one number, because a table takes longer than a
-- command: twice the instant, and 1 more if a lease has ended. Else what was done and found here is known to the short
-- way. Lines of coordinate.lua.
removed = redis.pcall("ZREM", KEYS[1], ARGV[4])
others = redis.pcall("EXISTS", KEYS[2], KEYS[3])
if type(removed) ~= "number" then
  removed = nil -- the short way tells why
elseif others == 0 then
  return 2 * now + removed
end
