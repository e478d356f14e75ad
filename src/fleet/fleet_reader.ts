/**
 * Reads what the processes of a fleet report, from the boards of the stores of an instance.
 *
 * @module
 */

import { systemClock, wallMs } from "../base/clock.ts";
import { withTimeout } from "../base/deadline.ts";
import type { RateSync } from "../registry/rate_sync.ts";
import { addHistograms, percentile } from "../registry/reports/histogram.ts";
import type { Board } from "../stores/board.ts";
import type { Fleet, FleetLimiter, FleetProcess, FleetStore } from "./fleet.ts";
import { LimiterTotals } from "./limiter_totals.ts";
import { ProcessHistory } from "./process_history.ts";
import { readReport } from "./read_report.ts";

/** How long a store may take to show its board, in milliseconds. */
const TIMEOUT_MS = 2_500;

/** What was read at one store. */
interface StoreReading {
  readonly store: FleetStore;
  readonly totals: ReadonlyMap<string, LimiterTotals>;
}

/**
 * The fleet as an instance can see it. Each `read()` asks the processes that share a store with the instance to report for
 * five seconds more. Call it about once a second: rates are differences between readings.
 */
export class FleetReader {
  readonly #rs: Pick<RateSync<string>, "listStores" | "openStore">;
  readonly #histories = new Map<string, Map<string, ProcessHistory>>();

  /**
   * @param rs Whose stores to read.
   */
  constructor(rs: Pick<RateSync<string>, "listStores" | "openStore">) {
    this.#rs = rs;
  }

  /** Reads all stores. Never rejects, and takes three seconds at most: `problem` of a store says what is wrong with it. */
  async read(): Promise<Fleet> {
    const ids = Object.entries(this.#rs.listStores());
    const readings = await Promise.all(ids.map(([id, { engine }]) => this.#readStore(id, engine)));
    const limiters = readings.flatMap(({ totals }) => [...totals.values()].map(({ total }) => total));
    return {
      atMs: Math.round(wallMs(systemClock)),
      stores: readings.map(({ store }) => store),
      limiters: limiters.sort(byCalls),
    };
  }

  async #readStore(id: string, engine: string): Promise<StoreReading> {
    try {
      const { board } = await this.#rs.openStore(id);
      if (board === undefined) return failed(id, engine, `stores of engine ${engine} do not show their processes`);
      const late = () => new Error(`the store does not answer within ${TIMEOUT_MS} ms`);
      return this.#combine(id, engine, await withTimeout(board.read(), TIMEOUT_MS, late));
    } catch (error) {
      return failed(id, engine, error instanceof Error ? error.message : String(error));
    }
  }

  #combine(id: string, engine: string, posts: Awaited<ReturnType<Board["read"]>>): StoreReading {
    const before = this.#histories.get(id);
    const atMs = systemClock.nowUs() / 1_000;
    const histories = new Map<string, ProcessHistory>();
    let unreadable = 0;
    for (const post of posts) {
      const report = post.text === undefined ? undefined : readReport(post.text);
      if (report === undefined) {
        unreadable++;
        continue;
      }
      const history = before?.get(post.id) ?? new ProcessHistory();
      history.add(report, atMs);
      histories.set(post.id, history);
    }
    this.#histories.set(id, histories);
    const totals = new Map<string, LimiterTotals>();
    const shown = [...histories].filter(([, history]) => !history.isSilent(atMs));
    const processes = shown.map(([process, history]) => addProcess(id, process, history, totals));
    const latency = addHistograms(shown.map(([, history]) => history.latency));
    const store: FleetStore = {
      id,
      engine,
      problem: undefined,
      processes: processes.sort((a, b) => a.label < b.label ? -1 : 1),
      unreadable,
      p50Ms: percentile(latency, 0.5),
      p99Ms: percentile(latency, 0.99),
    };
    return { store, totals };
  }
}

function addProcess(
  store: string,
  id: string,
  history: ProcessHistory,
  totals: Map<string, LimiterTotals>,
): FleetProcess {
  const { label, version, runtime, startedMs, limiters, store: { state, error, outages, queued, calls } } = history
    .latest as NonNullable<ProcessHistory["latest"]>;
  let perSecond = 0;
  for (const limiter of limiters) {
    const rates = history.ratesOf(limiter);
    let total = totals.get(limiter.id);
    if (total === undefined) totals.set(limiter.id, total = new LimiterTotals(store, limiter.id));
    total.add(label, limiter, rates);
    perSecond += [...rates.denied.values()].reduce((sum, rate) => sum + rate, rates.allowed);
  }
  const { latency } = history;
  const [p50Ms, p99Ms] = [percentile(latency, 0.5), percentile(latency, 0.99)];
  return { id, label, version, runtime, startedMs, state, error, outages, queued, calls, perSecond, p50Ms, p99Ms };
}

function failed(id: string, engine: string, problem: string): StoreReading {
  const store = { id, engine, problem, processes: [], unreadable: 0, p50Ms: undefined, p99Ms: undefined };
  return { store, totals: new Map() };
}

function byCalls(a: FleetLimiter, b: FleetLimiter): number {
  return b.perSecond - a.perSecond || (a.id < b.id ? -1 : 1);
}
