-- How a process hears of its waiters, nil where it does not.
if whose ~= instance then
  instance, way = whose, nil
  for caller = 6, 5 + callers do
    if ARGV[caller] == whose then way = "caller" end
  end
  if not way and call("PUBSUB", "NUMSUB", ARGV[4] .. whose)[2] > 0 then way = "channel" end
end
