/**
 * The file that `ratesync init` writes.
 *
 * @module
 */

/** A configuration with comments. */
export const TEMPLATE: string =
  `# Stores and limiters of @ratesync/core. "ratesync check" checks this file, and the stores that it names.
# A duration is a number of seconds, or text with a unit: "250ms", "5s", "5m", "1.5h", "1d".

# A store holds the counts. Here all processes share one Redis, if REDIS_URL is set; without it, each process counts
# for itself, in memory. A URL that begins with postgres:// or nats:// is a store in PostgreSQL or NATS.
# \${NAME} is an environment variable, \${NAME:-default} one with a default.
[stores.main]
url = "\${REDIS_URL:-}"        # redis://[user:password@]host[:port][/db]; rediss:// for TLS; https:// for REST
# token = "\${REDIS_TOKEN:-}"  # for REST
# key_prefix = "my-service"   # what each key in Redis begins with; "rate_limit" if left out

# A token bucket: 50 calls at once, then 10 a second. Each key has a bucket of its own.
# await tryAcquire("api", { key: userId })
[limiters.api]
store = "main"
rate_per_second = 10
burst = 50

# At most 5 calls in any 5 minutes, for attempts to sign in.
# await tryAcquire("login", { key: address })
[limiters.login]
store = "main"
algorithm = "sliding_window"  # or "sliding_window_counter", "fixed_window", "token_bucket"
limit = 5
window = "5m"
on_store_error = "local"      # if Redis does not answer: the same limit in each process; or "allow", "deny", "throw"

# A partner that allows 100 calls a second, 4 at the same time. acquire() waits for up to 30 seconds.
# await using permit = await acquire("partner")
[limiters.partner]
store = "main"
rate_per_second = 100
max_concurrent = 4
timeout = "30s"

# Several limits in one limiter: each must allow the call.
# [limiters.plan]
# store = "main"
# limits = [{ limit = 10, window = "1s" }, { limit = 1000, window = "1h" }]

# Which proxies in front of your servers are trusted to name the client's address; private networks if left out.
# [http]
# trusted_proxy_networks = ["10.0.0.0/8"]
`;
