-- How a process hears of its waiters, nil where it does not.
if whose ~= instance then
  instance, way = whose, nil
  if string.find(hears, "," .. whose .. ",", 1, true) then
    way = "caller"
  elseif call("PUBSUB", "NUMSUB", string.match(hears, ":(.*)") .. whose)[2] > 0 then
    way = "channel"
  end
end
