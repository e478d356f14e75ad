-- States of several limits as they are packed (_packing.lua).

-- The states that lie in a value from `cursor` on; nothing if they are not packed, or are of other limits.
local function unpacked(value, cursor, packing, rates)
  local letters, size = packing.letters, packing.size
  if string.byte(value, cursor) ~= PACKED or #value - cursor + 1 ~= size then return nil end
  if sub(value, cursor + 2, cursor + 1 + #letters) ~= letters then return nil end
  local states = {}
  for i, rate in ipairs(rates) do
    local limit = packing.limits[i]
    local first, second, third = unpack_at(limit.format, value, cursor - 1 + limit.at)
    if rate.letter == "t" then
      states[i] = { us = first, rem = min(second, rate.denominator - 1), reach = 0 }
    else
      local is_used = first > 0
      states[i] = { windows = is_used and pack(WINDOW, first, second) or "", reach = 0 }
      if rate.letter == "c" then states[i].previous = is_used and third or 0 end
    end
  end
  return states
end

-- The states as a value; nothing if one of them is not what most are.
local function packed(states, packing, rates)
  local numbers = {}
  for i, rate in ipairs(rates) do
    local state, slot = states[i], packing.limits[i].slot
    if (state.reach or 0) > 0 then return nil end
    if rate.letter == "t" then
      if state.back or state.promised then return nil end
      numbers[slot], numbers[slot + 1] = state.us, state.rem
    else
      if #state.windows > WINDOW_SIZE then return nil end
      numbers[slot], numbers[slot + 1] = 0, 0
      if state.windows ~= "" then
        numbers[slot], numbers[slot + 1] = first_window(state.windows)
      end
      if rate.letter == "c" then numbers[slot + 2] = state.previous end
    end
  end
  return packing.prefix .. pack(packing.form, unpack(numbers))
end
