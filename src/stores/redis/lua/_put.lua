-- A number in groups of seven bits, lowest first, 128 added to all but the last.
local function put(number)
  local text, left = "", number
  while left >= 128 do
    text, left = text .. char(left % 128 + 128), floor(left / 128)
  end
  return text .. char(left)
end
