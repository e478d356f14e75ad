/**
 * Examines the stores of an instance, and the processes that share them.
 *
 * @module
 */

import { sleepUntil, systemClock } from "../base/clock.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { FleetReader } from "../fleet/fleet_reader.ts";
import type { RateSync } from "../registry/rate_sync.ts";
import type { StoreCheck } from "../stores/check.ts";
import type { StoreInspection } from "../stores/inspection.ts";
import { clock } from "./checks/clock.ts";
import { durability } from "./checks/durability.ts";
import { failover } from "./checks/failover.ts";
import { fleet } from "./checks/fleet.ts";
import { keys } from "./checks/keys.ts";
import { latency } from "./checks/latency.ts";
import { memory } from "./checks/memory.ts";
import { reachability } from "./checks/reachability.ts";
import { rights } from "./checks/rights.ts";
import { rules } from "./checks/rules.ts";
import { tls } from "./checks/tls.ts";
import { version } from "./checks/version.ts";
import { type ExaminedStore, type Finding, finding, type Judge } from "./finding.ts";

/** What is judged, in the order of the report. */
const JUDGES: readonly Judge[] = [
  reachability,
  rights,
  latency,
  version,
  clock,
  memory,
  durability,
  failover,
  tls,
  keys,
  rules,
  fleet,
];

/** How many seconds it takes until processes that make calls have reported. */
const WATCH_SECONDS = 4;

/** What was found at one store. */
export interface Examination {
  /** The store's id. */
  readonly store: string;
  /** Whether it can decide. */
  readonly ok: boolean;
  /** What was found, in the order in which it is looked at. */
  readonly findings: readonly Finding[];
}

/** What to examine. */
export interface ExamineOptions {
  /** The ids of the stores. @default all */
  readonly stores?: readonly string[];
  /** How long to wait for reports of processes, in milliseconds, from 0. @default {4_000} */
  readonly watchMs?: number;
  /** Ends the wait early. */
  readonly signal?: AbortSignal;
}

/**
 * Examines stores, and tells what is found, store by store. Takes about five seconds, also where a store hangs. Changes
 * nothing that decisions depend on.
 *
 * @param rs Whose stores to examine.
 * @param options Which, and how long.
 * @throws What the signal was aborted with.
 */
export async function examine(rs: RateSync<string>, options: ExamineOptions = {}): Promise<Examination[]> {
  const { stores = Object.keys(rs.listStores()), watchMs = WATCH_SECONDS * 1_000, signal } = options;
  const checks = new Map(await Promise.all(stores.map(async (id) => [id, await rs.check(id)] as const)));
  const [fleetSeen, looks] = await Promise.all([
    [...checks.values()].some(({ ok }) => ok) ? watch(rs, watchMs, signal) : new FleetReader(rs).read(),
    Promise.all(stores.map((id) => lookAt(rs, id, checks.get(id) as StoreCheck))),
  ]);
  return stores.map((store, i) => {
    const check = checks.get(store) as StoreCheck;
    const limiters = limitersOn(rs, store);
    const examined: ExaminedStore = { store, limiters, check, inspection: looks[i], fleet: fleetSeen };
    return { store, ok: check.ok, findings: judge(examined) };
  });
}

/** All that is said of a store. */
export function judge(examined: ExaminedStore): Finding[] {
  const { check, inspection } = examined;
  // Of a store that does not decide there is no more to say than why.
  const judges = check.ok ? JUDGES : [reachability, rights, memory];
  const findings = judges.flatMap((each) => each(examined)).filter(({ level }) => check.ok || level !== "ok");
  const unknown = check.ok ? inspection?.unknown ?? [] : [];
  return [...findings, ...unknown.map((detail) => finding("unknown", "note", `could not be found out: ${detail}`))];
}

async function lookAt(rs: RateSync<string>, id: string, check: StoreCheck): Promise<StoreInspection | undefined> {
  if (!check.ok) return undefined;
  const store = await rs.openStore(id);
  return await store.inspect?.(limitersOn(rs, id));
}

function limitersOn(rs: RateSync<string>, store: string): ExaminedStore["limiters"] {
  return Object.entries(rs.listLimiters()).filter(([, listing]) => listing.store === store)
    .map(([limiter, { policy }]) => ({ limiter, policy }));
}

/** Asks processes to report, and waits for those that make calls. */
async function watch(rs: RateSync<string>, forMs: number, signal: AbortSignal | undefined): Promise<Fleet> {
  const reader = new FleetReader(rs);
  const endUs = systemClock.nowUs() + forMs * 1_000;
  for (;;) {
    const seen = await reader.read();
    const nowUs = systemClock.nowUs();
    if (nowUs >= endUs) return seen;
    await sleepUntil(systemClock, Math.min(nowUs + 1_000_000, endUs), signal);
  }
}
