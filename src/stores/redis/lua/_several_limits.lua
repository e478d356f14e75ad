-- The limits of a group of several.lua.
local cost, max_wait, peeks = 0, 0, false
local packing, limits, count, prefix, head, size, form, slots, offset, step_us
-- The numbers of an entry as they are packed, now and after a take; until when each limit matters, and all do, as
-- stored; until when all do after a take.
local state, following, ends, stored_until, until_us = {}, {}, {}, 0, 0

-- Reads the policy of a group: its limits, and how they are packed.
local function read_limits(from)
  limits, count = {}, ARGV[from + 4] + 0
  local at = from + 4
  for i = 1, count do
    local letter = ARGV[at + 1]
    local a, b = ARGV[at + 2] + 0, ARGV[at + 3] + 0
    if letter == "t" then
      local denominator, burst_us, burst_rem = ARGV[at + 4] + 0, ARGV[at + 5] + 0, ARGV[at + 6] + 0
      local carry = floor(cost * b / denominator)
      limits[i] = {
        letter = letter,
        us = cost * a + carry,
        rem = cost * b - carry * denominator,
        denominator = denominator,
        burst_us = burst_us,
        burst_rem = burst_rem,
        most_us = now + burst_us,
        digits = ARGV[at + 7] + 0,
      }
      at = at + 7
    else
      limits[i] = { letter = letter, capacity = a, window = b, horizon = b }
      at = at + 4
      if letter == "c" then
        local step = ARGV[at] + 0
        limits[i].step, limits[i].steps, limits[i].horizon = step, b / step, 2 * b
      end
    end
  end
  packing = packing_of(limits)
  for i, limit in ipairs(limits) do
    local packed = packing.limits[i]
    limit.format, limit.slot, limit.at = packed.format, packed.slot, packed.at
  end
  prefix, size, form, slots, step_us = packing.prefix, packing.size, packing.form, packing.slots, packing.step_us
  head = #prefix
  offset = format("%d", head)
end

-- What is left at an instant of the units of the window before.
local function faded(limit, start, previous)
  return previous > 0 and ceil(previous * (limit.steps - floor((now - start) / limit.step)) / limit.steps) or 0
end
