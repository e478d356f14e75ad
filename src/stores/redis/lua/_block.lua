-- Until when a key is blocked, whatever rules wrote it.
--
-- The instant stands as a double behind the first byte of a value: behind "b" in front of most states, and in the
-- header of a log of runs, "S", or "s" as version 0.1.0 wrote it.
local LONGEST_BLOCK_US = 2e15

-- The instant, 0 where there is none, and where behind it the state begins.
local function block_of(value)
  local first, size = string.byte(value, 1), #value
  if first == 98 and size > 8 then
    local blocked = struct.unpack("<d", value, 2)
    if blocked >= 0 and blocked < 2 ^ 53 and blocked == math.floor(blocked) then return blocked, 10 end
  end
  if first == 83 and size > 46 or first == 115 and size > 20 then
    -- States of several limits may begin with that letter too.
    local blocked = struct.unpack("<d", value, 2)
    if blocked > now and blocked < now + LONGEST_BLOCK_US then return blocked, size + 1 end
  end
  return 0, 1
end
