/**
 * The checks of others, whose errors speak of code (`ratePerSecond`), told in terms of the file (`rate_per_second`).
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { configError, type Path } from "./document.ts";
import { DURATIONS, SECRETS, type Section } from "./section.ts";

/** What options in code are called in TOML. `windowMs` may also be `window`. */
const TOML_NAMES: Readonly<Record<string, string>> = {
  ratePerSecond: "rate_per_second",
  windowMs: "window_seconds",
  maxConcurrent: "max_concurrent",
  leaseTtlMs: "lease_ttl",
  timeoutMs: "timeout",
  denyCacheMs: "deny_cache",
  tokenLeaseMs: "token_lease",
  keyShards: "key_shards",
  failClosed: "fail_closed",
  onStoreError: "on_store_error",
  decisionTimeoutMs: "decision_timeout",
  localShare: "local_share",
  maxKeys: "max_keys",
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

/**
 * Runs a check of a section's options. What it says about an option is told with the option's TOML name and place;
 * a duration is shown as the file has it, not in milliseconds, and a secret not at all.
 *
 * @param section The section that the options came from.
 * @param check Throws a `ConfigError` with a path relative to the options.
 * @throws {ConfigError} If the check does. Other errors pass untouched.
 */
export function checkSection(section: Section, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (error instanceof ConfigError) throw translate(error, section);
    throw error;
  }
}

function translate(error: ConfigError, section: Section): ConfigError {
  const steps: Path = error.path.split(/[.[\]]+/).filter((step) => step !== "").map(toStep);
  const holder = holderOf(section, steps);
  const path = steps.map((step) => typeof step === "string" ? inToml(step, holder) : step);
  const key = path.at(-1);
  const isWritten = typeof key === "string" && holder.has(key) &&
    (SECRETS.has(key) || DURATIONS.has(key));
  return configError(
    [...section.path, ...path],
    inToml(error.expected, holder),
    isWritten ? holder.shown(key) : inToml(error.received, holder),
  );
}

/** The table that an option stands in: the section, or one of its `limits`. */
function holderOf(section: Section, steps: Path): Section {
  const at = steps[0] === "limits" ? steps[1] : undefined;
  return (typeof at === "number" ? section.sections("limits")?.[at] : undefined) ?? section;
}

function toStep(step: string): string | number {
  return /^\d+$/.test(step) ? Number(step) : step;
}

function inToml(text: string, holder: Section): string {
  return text.replace(OPTION, (option) => {
    if (option === "windowMs" && holder.has("window")) return "window";
    return TOML_NAMES[option] ?? option;
  });
}
