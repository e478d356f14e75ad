--[[
Tells what a node of a cluster knows of the others. It changes nothing.

KEYS     a key in a slot of the node
ARGV     nothing

Returns  what CLUSTER NODES says
]]
return redis.call("CLUSTER", "NODES")
