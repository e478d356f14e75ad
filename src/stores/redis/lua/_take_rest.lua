-- Decides an entry by all that `make_rest`, of the script that has these lines, makes when the first one needs it.
local rest
local function tell(key, value, times, counts)
  rest = rest or make_rest()
  rest(key, value, times, counts)
end
