-- How far ahead a promised instant was when it was written (src/algorithms/reach.ts): 1 for 8 spans of the limit, 2 for
-- 1 024, 3 for any time; 0 where none is promised.
local function reach_of(wait, span, before)
  return math.max(wait <= 8 * span and 1 or wait <= 1024 * span and 2 or 3, before)
end

-- The latest instant that can have been promised under this clock.
local function latest_promise(reach, span)
  if reach == 0 then return now end
  return reach == 3 and math.huge or now + (reach == 2 and 1024 or 8) * span
end
