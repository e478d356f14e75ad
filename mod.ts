/**
 * Distributed rate limiting and concurrency limiting for Deno, Bun and Node.
 *
 * A `rate-sync.toml`, or a few lines of code, and every process of a fleet keeps to the same limits: through Redis,
 * with one script call for each decision, or, where nothing is configured, in the memory of this process.
 *
 * @example Limits in code
 * ```ts
 * import { createRateSync } from "@ratesync/core";
 *
 * const rs = createRateSync({
 *   limiters: {
 *     api: { ratePerSecond: 100, burst: 200, maxConcurrent: 50 },
 *     login: { algorithm: "sliding_window", limit: 5, windowMs: 300_000 },
 *   },
 * });
 *
 * const decision = await rs.tryAcquire("login", { key: "203.0.113.7" });
 * if (!decision.allowed) console.log(`Try again in ${decision.retryAfterMs} ms`, decision.headers());
 *
 * await using permit = await rs.acquire("api", { timeoutMs: 5_000 });
 * ```
 *
 * @module
 */

export type { Clock, ScheduleOptions, Timer } from "./src/base/clock.ts";
export {
  ClosedError,
  ConfigError,
  type ConfigErrorDetails,
  CostExceedsLimitError,
  LeaseLostError,
  NotFoundError,
  RateSyncError,
  type RateSyncErrorCode,
  StoreError,
  type StoreErrorOptions,
} from "./src/base/errors.ts";
export type { StoreErrorCode, StoreErrorReason } from "./src/base/store_error_reasons.ts";
export type {
  FixedWindowLimit,
  RateLimit,
  SlidingWindowCounterLimit,
  SlidingWindowLimit,
  TokenBucketLimit,
} from "./src/algorithms/limit.ts";
export type {
  Algorithm,
  FailureOptions,
  LimiterOptions,
  LimitOptions,
  OnChange,
  RateAlgorithm,
  StoreErrorPolicy,
} from "./src/policy/options.ts";
export type { NamedPolicy, Policy } from "./src/policy/policy.ts";
export { Decision, type DecisionJSON } from "./src/decision/decision.ts";
export type { DenialReason } from "./src/decision/outcome.ts";
export type { Explanation } from "./src/decision/explain/explanation.ts";
export type {
  DeniedBy,
  ExplainedChange,
  ExplainedLimit,
  ExplainedLimiter,
  ExplainedOutage,
  ExplainedPermits,
  ExplanationData,
  ExplanationSource,
  UnitsFree,
} from "./src/decision/explain/types.ts";
export { RateLimitedError } from "./src/decision/rate_limited_error.ts";
export type { LimitStatus } from "./src/policy/status.ts";
export type { NatsClientStoreConfig, NatsStoreConfig, NatsStoreOptions } from "./src/stores/nats/options.ts";
export type {
  PostgresClientStoreConfig,
  PostgresStoreConfig,
  PostgresStoreOptions,
} from "./src/stores/postgres/options.ts";
export type { RedisClientStoreConfig, RedisStoreConfig, RedisStoreOptions } from "./src/stores/redis/options.ts";
export type * from "./src/stores/store.ts";
export type * from "./src/stores/waiter_id.ts";
export type { Level, Mark } from "./src/algorithms/kernel.ts";
export type { RateState } from "./src/algorithms/kernels.ts";
export type { AcquireOptions, AskOptions, BlockOptions, Keyless, KeyOptions } from "./src/limiter/call_options.ts";
export type { LimiterEvent, LimiterListener, Logger, StoreEvent, StoreListener } from "./src/observe/events.ts";
export { KeyedLimiter, Limiter } from "./src/limiter/limiter.ts";
export type { HeavyHitter, HeavyHitterOptions, HeavyHitters } from "./src/observe/heavy_hitters.ts";
export type { LimiterMetrics } from "./src/observe/metrics.ts";
export type { Observer, WaitOutcome } from "./src/observe/observer.ts";
export type { Permit } from "./src/decision/decision.ts";
export type { RateLimitedOptions, WaitOptions } from "./src/limiter/rate_limited.ts";
export type { Charge } from "./src/limiter/corrections.ts";
export type { Reservation } from "./src/limiter/result/reservation.ts";
export type { StoreConfig } from "./src/registry/engines.ts";
export type { HttpConfig, RateSyncConfig } from "./src/registry/options.ts";
export type { MemoryStoreConfig } from "./src/stores/memory/options.ts";
export type { LoadConfigOptions } from "./src/registry/config/load.ts";
export type { ConfigParser } from "./src/registry/config/parse.ts";
export type { EnvReader } from "./src/registry/config/environment.ts";
export { createRateSync, RateSync } from "./src/registry/rate_sync.ts";
export type { RateSyncOptions } from "./src/registry/rate_sync_options.ts";
export type { Board, BoardPost } from "./src/stores/board.ts";
export type { StoreCheck, StoreProblem, StoreProblemKind } from "./src/stores/check.ts";
export type { DownServers, KeySample, RulesInUse, ServerFacts, StoreInspection } from "./src/stores/inspection.ts";
export type { CloseOptions } from "./src/registry/close_options.ts";
export type { LimiterListing, StoreListing } from "./src/registry/listing.ts";
export type { AskFor } from "./src/registry/combined_call.ts";
export {
  acquire,
  acquireAll,
  block,
  check,
  close,
  configure,
  configureLimiter,
  configureStore,
  connect,
  type DefaultInstanceOptions,
  explain,
  heavyHitters,
  limiter,
  listLimiters,
  listStores,
  loadConfig,
  metrics,
  observe,
  peek,
  penalize,
  rateLimited,
  refund,
  reserve,
  reset,
  resetAll,
  run,
  subscribe,
  subscribeStores,
  tryAcquire,
  tryAcquireAll,
  tryAcquireSync,
} from "./src/registry/default_instance.ts";
