/**
 * Every metric: one table from which `./prometheus`, `./otel` and the page of metrics are made.
 *
 * Names have the shape of ASP.NET Core's rate limiting metrics. Prometheus has them with `_` in place of `.`, with the
 * unit at the end, and counters with `_total`. Attributes have few values: never the key.
 *
 * @module
 */

/**
 * What kind of metric it is.
 *
 * - `counter`: A number that only rises.
 * - `updown`: A number of things at this moment. Those of several processes add up.
 * - `gauge`: A number that says a state. Those of several processes do not add up.
 * - `histogram`: How many values fell into each of some buckets.
 */
export type InstrumentKind = "counter" | "updown" | "gauge" | "histogram";

/** An attribute of a metric. */
export type AttributeName =
  | "limiter"
  | "result"
  | "reason"
  | "rule"
  | "key_class"
  | "source"
  | "rules"
  | "store"
  | "state";

/** A metric. */
export interface Instrument {
  /** Its name in OpenTelemetry. */
  readonly name: string;
  /** What kind it is. */
  readonly kind: InstrumentKind;
  /** Its unit, as UCUM writes it: `s` for seconds, `{request}` for a number of requests. */
  readonly unit: string;
  /** What it says. */
  readonly description: string;
  /** What distinguishes its values. */
  readonly attributes: readonly AttributeName[];
  /** Of a histogram: the upper bounds of its buckets. */
  readonly buckets?: readonly number[];
}

/** What each attribute says. */
export const ATTRIBUTES: Readonly<Record<AttributeName, string>> = {
  limiter: "The limiter's id.",
  result:
    "What became of a call: `allowed`, `denied`, `aborted` by its caller, or `failed` with the store. Of a call to a " +
    "store: `answered` or `failed`.",
  reason: "Why it was denied: `rate`, `blocked`, `concurrency`, `queue_full` or `store`. Absent for other results.",
  rule: "The limit that denied, in words; without one, `block`, `pause` or `store`.",
  key_class: "The kind of key: what the call or the guard says, else `key`, or `none` for the limiter as a whole.",
  source: "What this process decided by: `deny_cache` or `token_lease`.",
  rules: "The rules of the limiter, in words.",
  store: "The store's id.",
  state: "One of `up`, `impaired` and `down`: the one with the value 1.",
};

const WAITS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const HOLDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];
const CALLS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** How the table calls a metric. */
export type InstrumentId =
  | "requests"
  | "denials"
  | "degraded"
  | "shortcuts"
  | "storeErrors"
  | "queued"
  | "timeInQueue"
  | "activeLeases"
  | "leaseDuration"
  | "lostLeases"
  | "limiterInfo"
  | "mixedRules"
  | "storeCalls"
  | "batches"
  | "storeQueued"
  | "storeActive"
  | "storeState"
  | "storeConnected"
  | "outages"
  | "configVersion";

/** The table. */
export const INSTRUMENTS: Readonly<Record<InstrumentId, Instrument>> = {
  requests: {
    name: "ratesync.requests",
    kind: "counter",
    unit: "{request}",
    description: "Calls that were decided, aborted or failed.",
    attributes: ["limiter", "result", "reason"],
  },
  denials: {
    name: "ratesync.denied_requests",
    kind: "counter",
    unit: "{request}",
    description:
      "Calls that were denied, by what denied them. Of several limiters, the one that keeps out the longest.",
    attributes: ["limiter", "rule", "key_class"],
  },
  degraded: {
    name: "ratesync.degraded_requests",
    kind: "counter",
    unit: "{request}",
    description: "Calls that the failure policy decided in place of the store.",
    attributes: ["limiter"],
  },
  shortcuts: {
    name: "ratesync.shortcut_requests",
    kind: "counter",
    unit: "{request}",
    description: "Calls that the process decided without asking the store.",
    attributes: ["limiter", "source"],
  },
  storeErrors: {
    name: "ratesync.store_errors",
    kind: "counter",
    unit: "{request}",
    description: "Calls for which the store could not decide.",
    attributes: ["limiter"],
  },
  queued: {
    name: "ratesync.queued_requests",
    kind: "updown",
    unit: "{request}",
    description: "Calls that wait at this moment, for units or for a permit.",
    attributes: ["limiter"],
  },
  timeInQueue: {
    name: "ratesync.request.time_in_queue",
    kind: "histogram",
    unit: "s",
    description: "How long calls waited that had to wait.",
    attributes: ["limiter", "result"],
    buckets: WAITS,
  },
  activeLeases: {
    name: "ratesync.active_request_leases",
    kind: "updown",
    unit: "{lease}",
    description: "Permits of limiters with max_concurrent that the process holds at this moment.",
    attributes: ["limiter"],
  },
  leaseDuration: {
    name: "ratesync.request_lease.duration",
    kind: "histogram",
    unit: "s",
    description: "How long permits of limiters with max_concurrent were held.",
    attributes: ["limiter"],
    buckets: HOLDS,
  },
  lostLeases: {
    name: "ratesync.lost_request_leases",
    kind: "counter",
    unit: "{lease}",
    description: "Permits whose lease ended before their release.",
    attributes: ["limiter"],
  },
  limiterInfo: {
    name: "ratesync.limiter.info",
    kind: "gauge",
    unit: "",
    description: "1 for each limiter, with its store and its rules: two rules for one limiter are two configurations.",
    attributes: ["limiter", "store", "rules"],
  },
  mixedRules: {
    name: "ratesync.mixed_rules",
    kind: "gauge",
    unit: "",
    description: "How many other rules are in use for a limiter, in other processes on the same store.",
    attributes: ["limiter", "store"],
  },
  storeCalls: {
    name: "ratesync.store.call.duration",
    kind: "histogram",
    unit: "s",
    description: "How long calls to a store took, with the way there and back. A call decides many requests.",
    attributes: ["store", "result"],
    buckets: CALLS,
  },
  batches: {
    name: "ratesync.store.call.requests",
    kind: "histogram",
    unit: "{request}",
    description: "How many requests calls to a store were for.",
    attributes: ["store"],
    buckets: BATCHES,
  },
  storeQueued: {
    name: "ratesync.store.queued_requests",
    kind: "updown",
    unit: "{request}",
    description: "Requests that wait at this moment to be sent to a store.",
    attributes: ["store"],
  },
  storeActive: {
    name: "ratesync.store.active_calls",
    kind: "updown",
    unit: "{call}",
    description: "Calls that a store has not answered yet.",
    attributes: ["store"],
  },
  storeState: {
    name: "ratesync.store.state",
    kind: "gauge",
    unit: "",
    description: "1 for the state of a store, 0 for the others: up, impaired, or down, when limiters do not ask it.",
    attributes: ["store", "state"],
  },
  storeConnected: {
    name: "ratesync.store.connected",
    kind: "gauge",
    unit: "",
    description: "1 if requests can be sent to a store, 0 if there is no connection.",
    attributes: ["store"],
  },
  outages: {
    name: "ratesync.store.outages",
    kind: "counter",
    unit: "{outage}",
    description: "How often a store went down.",
    attributes: ["store"],
  },
  configVersion: {
    name: "ratesync.config.version",
    kind: "gauge",
    unit: "",
    description: "Rises with each change of the configuration of the process.",
    attributes: [],
  },
};

/** Each metric with what the table calls it. */
export const ALL: readonly (readonly [InstrumentId, Instrument])[] = Object.entries(INSTRUMENTS) as [
  InstrumentId,
  Instrument,
][];

/** What Prometheus calls a metric. */
export function prometheusName({ name, kind, unit }: Instrument): string {
  const units = unit === "s" ? "_seconds" : "";
  return `${name.replaceAll(".", "_")}${units}${kind === "counter" ? "_total" : ""}`;
}
