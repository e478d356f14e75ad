-- A key lives for at least so long after a permit was taken. Where one was taken in the same step of time, that was
-- seen to: that holds for whatever leases, because those that may be longer are not taken on trust.
local LEAST_LIFE_US, STEP_US, LONGEST_TRUSTED_US = 60000000, 10000000, 20000000
