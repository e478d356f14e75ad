/**
 * How options are spelt in TOML.
 *
 * @module
 */

/** What options in code are called in TOML. `windowMs` may also be `window`. */
const TOML_NAMES: Readonly<Record<string, string>> = {
  ratePerSecond: "rate_per_second",
  windowMs: "window_seconds",
  maxConcurrent: "max_concurrent",
  maxWaiters: "max_waiters",
  leaseTtlMs: "lease_ttl",
  timeoutMs: "timeout",
  denyCacheMs: "deny_cache",
  tokenLeaseMs: "token_lease",
  keyShards: "key_shards",
  onChange: "on_change",
  failClosed: "fail_closed",
  onStoreError: "on_store_error",
  decisionTimeoutMs: "decision_timeout",
  localShare: "local_share",
  maxKeys: "max_keys",
  checkStates: "check_states",
  masterName: "master_name",
  sentinelUsername: "sentinel_username",
  sentinelPassword: "sentinel_password",
  tlsCa: "tls_ca_file",
  tlsCert: "tls_cert_file",
  tlsKey: "tls_key_file",
  tlsKeyPassphrase: "tls_key_passphrase",
  tlsServerName: "tls_server_name",
  tlsInsecure: "tls_insecure",
  keyPrefix: "key_prefix",
  poolMinSize: "pool_min_size",
  poolMaxSize: "pool_max_size",
  socketTimeoutMs: "socket_timeout",
  socketConnectTimeoutMs: "socket_connect_timeout",
  timingMarginMs: "timing_margin_ms",
  maxQueued: "max_queued",
};

const OPTION = new RegExp(`\\b(?:${Object.keys(TOML_NAMES).join("|")})\\b`, "g");

/** A text in which options are spelt as in code, with their TOML names. */
export function inTomlSpelling(text: string): string {
  return text.replace(OPTION, (option) => TOML_NAMES[option] ?? option);
}
