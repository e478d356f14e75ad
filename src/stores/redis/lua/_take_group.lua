-- What the group in hand is about, whether that was prepared, and the reply, as far as it stands.
local cost, capacity, window, step, max_wait, peeks, begun = 0, 0, 0, 0, 0, false, false
local replies, place, refused = { now }, 1, nil
