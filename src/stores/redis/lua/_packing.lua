-- How several limits of one key are packed, as long as their states are what most are: buckets of which nothing was
-- given back and no instant is promised, and windows that do not follow one another.
--
-- "P", the power of two of the ms in a step, the letters of all limits, and the rules that windows are read by: the
-- length of each in 7 bytes, of a counter also the power of ten of its step. Then, of each limit, its instant or the
-- start of its window in 7 bytes; the remainder or the count in 4 (in 7 where a remainder has more than nine digits);
-- of a counter, the units of the window before in 4. The key lives to the end of the step in which its last limit is
-- as good as fresh.
local PACKED = 80

-- The letter in front of a token bucket's state, which is not 128 or more, with many digits either.
local function letter_of(digits)
  return string.char((digits < 12 and 116 or 72) + digits)
end

-- How the states of such limits are laid out; nothing where one of them cannot be packed.
local function packing_of(rates)
  local letters, rules, form, slots, longest = "", "", "<", 0, 0
  local limits = {}
  for i, rate in ipairs(rates) do
    local letter, format_of, horizon = rate.letter, "I7I4", rate.window
    if letter == "t" then
      horizon = rate.burst_us
      if rate.digits > 9 then format_of = "I7I7" end
      letters = letters .. letter_of(rate.digits)
    elseif letter == "f" then
      letters, rules = letters .. "F", rules .. pack("<I7", rate.window)
    elseif letter == "c" then
      horizon, format_of = 2 * rate.window, "I7I4I4"
      letters = letters .. "C"
      rules = rules .. pack("<I7B", rate.window, #format("%.0f", rate.step) - 1)
    else
      return nil
    end
    limits[i] = { format = "<" .. format_of, slot = slots + 1, at = struct.size(form) + 1 }
    form, slots, longest = form .. format_of, slots + (letter == "c" and 3 or 2), max(longest, horizon)
  end
  -- Steps are an eighth of the longest horizon at most.
  local _, power = math.frexp(longest / 16000)
  power = max(power - 1, 0)
  local prefix = "P" .. string.char(power) .. letters .. rules
  for _, limit in ipairs(limits) do
    limit.at = limit.at + #prefix
  end
  return {
    prefix = prefix,
    letters = letters,
    form = form,
    slots = slots,
    limits = limits,
    size = #prefix + struct.size(form),
    step_us = 1000 * 2 ^ power,
  }
end

-- How long a key lives whose last limit is as good as fresh from an instant: to the end of the step.
local function packed_life(packing, until_us)
  local step_us = packing.step_us
  return format("%.0f", max(floor((until_us - until_us % step_us + step_us - now) / 1000), 0) + 2 + grace_ms)
end
