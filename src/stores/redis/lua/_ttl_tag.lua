-- The instant of a token bucket without a remainder that is alone in its key: 16 digits of microseconds, or, written
-- by bucket.lua, a TTL tag of two digits, 50 and more, which no time of this century begins with, and the last 14 of
-- them. A TTL tag is 50, ten times the reach of what is promised (_reach.lua), and the power of four of the step in ms by
-- which the key lives. Those come again every three years, and a tagged key lives for less than a third of one. So
-- what is stored is a number that Lua holds exactly. An instant that would read as tagged, in a century, has "99" in
-- front.
local ERA_US = 1e14
local LEAST_TAGGED = 50 * ERA_US
local NO_TAG, REACH_US = "99", 10 * ERA_US
local era = now - now % ERA_US
