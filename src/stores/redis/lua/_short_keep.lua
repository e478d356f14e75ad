local life = math.max(4 * ttl, LEAST_LIFE_US) / 1000 + ARGV[1]
if left < life then call("PEXPIRE", kept, format("%d", math.ceil(life * 1.125))) end
