-- The reach of a bucket (_reach.lua) that a caller waits for, after a take that moves it from `us` to `next_us`. Nil
-- where it cannot stand at `us` by this clock. An empty bucket is full at `full_us`.
local function reach_after(us, next_us, reach)
  local burst_us, start, wait = full_us - now, us - full_us, next_us - full_us
  if start > 0 then
    if reach == 0 or reach == 1 and start > 8 * burst_us or reach == 2 and start > 1024 * burst_us then return nil end
  else
    reach = 0
  end
  return wait > 1024 * burst_us and 3 or wait > 8 * burst_us and reach < 2 and 2 or reach > 0 and reach or 1
end
