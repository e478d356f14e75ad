-- By what the first number of a level is multiplied, to stand in the reply with the second one as one number: Redis needs
-- longer for a number than to add them up. Nil where the sum is no exact number, or could be the first number alone.
local scale = 2 * window + 1
if capacity >= scale or (capacity + 1) * scale > 2 ^ 53 then scale = nil end
