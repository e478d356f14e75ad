/**
 * One process of a simulated fleet, whose rules may change.
 *
 * @module
 */

import { createRateSync, type RateSync } from "../../mod.ts";
import type { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import type { StoreRequest, TakeRequest } from "../../src/stores/store.ts";
import type { FakeClock } from "../../src/testing/fake_clock.ts";
import type { History } from "../../tests/_support/auditor/history.ts";
import { Link } from "./link.ts";
import { ProcessClock } from "./process_clock.ts";
import type { LimiterId, Scenario } from "./scenario.ts";
import { type PoolCall, Traffic } from "./traffic.ts";

/** How many callers a process has. */
const CALLERS = 3;

/** What processes share. */
export interface Surroundings {
  /** What the seed stands for. */
  readonly scenario: Scenario;
  /** The clock of the world. */
  readonly world: FakeClock;
  /** The store at the far end of all connections. */
  readonly store: MemoryStore;
  /** Where everything is written down that the store does. */
  readonly history: History;
  /** Takes down calls for permits. */
  readonly calls: PoolCall[];
  /** Takes down what a key that only one call uses may be charged, by the name of its ledger. */
  readonly charges: Map<string, number>;
  /** Takes down what is wrong. */
  readonly problems: string[];
}

/** A version of the rules. */
export type Version = 0 | 1;

/** A process, from its start to its end. */
export class Member {
  /** Its number. */
  readonly number: number;
  /** Its clock. */
  readonly clock: ProcessClock;
  /** Its connection. */
  readonly link: Link;
  /** When its rules have changed. */
  readonly changesUs: number[] = [];
  readonly #shared: Surroundings;
  readonly #rs: RateSync<LimiterId>;
  readonly #traffic: Traffic;
  readonly #startUs: number;
  /** Calls that have asked. */
  readonly #asked = new Set<string>();
  #version: Version;
  #isClosed = false;

  /**
   * Starts one.
   *
   * @param number Its number.
   * @param version Its rules.
   * @param shared What it shares with the others.
   */
  constructor(number: number, version: Version, shared: Surroundings) {
    const { scenario: { faults, random, limiters, blocks, weather }, world } = this.#shared = shared;
    this.number = number;
    this.#startUs = world.nowUs();
    this.#version = version;
    const clock = this.clock = new ProcessClock(world);
    const onSend = (request: StoreRequest) => this.#isSent(request);
    this.link = new Link({ process: number, clock, random, faults, onSend, ...shared });
    const rs = this.#rs = createRateSync({
      clock,
      logger: false,
      stores: { shared: this.link },
      limiters: limiters(version),
    });
    const { calls, charges, problems: surprises } = shared;
    const inOrder = weather === "calm" && !blocks;
    this.#traffic = new Traffic({
      process: number,
      rs,
      clock,
      world,
      random,
      calls,
      charges,
      surprises,
      blocks,
      inOrder,
    });
  }

  /** The version of its rules. */
  get version(): Version {
    return this.#version;
  }

  /** Resolves when its callers are done; at once when it crashes. */
  async run(): Promise<void> {
    const { world, scenario: { weather } } = this.#shared;
    const crashed = new Promise<void>((resolve) => {
      const look = () => this.clock.hasEnded ? resolve() : void world.schedule(world.nowUs() + 500_000, look);
      if (weather === "stormy") look();
    });
    await Promise.race([this.#traffic.run(CALLERS), crashed]);
  }

  /** Changes the rules of all limiters. */
  reload(): void {
    this.#version = this.#version === 0 ? 1 : 0;
    const limiters = this.#shared.scenario.limiters(this.#version);
    for (const [id, options] of Object.entries(limiters)) this.#rs.configureLimiter(id as LimiterId, options);
    this.changesUs.push(this.#shared.world.nowUs());
    this.#traffic.changed();
  }

  /** Whether it has been told to end. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Ends it. Calls that wait give their places back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#traffic.stop();
    await this.#rs.close();
  }

  /** Law 16: nothing is asked by rules that the process has no more. */
  #isSent({ op, targets, ...request }: StoreRequest): void {
    const { id = "", mode } = request as Partial<TakeRequest>;
    if (this.#isClosed || mode === "peek" || (op !== "take" && op !== "poll" && op !== "renew")) return;
    // What is called first waits for modules to be loaded, which takes no time here.
    if (this.#shared.world.nowUs() === this.#startUs) return;
    // A call that asks for the first time was made when those rules held.
    if (id !== "" && !this.#asked.has(id)) return void this.#asked.add(id);
    for (const { limiter, policy } of targets) {
      if (policy === this.#rs.limiter(limiter as LimiterId).policy) continue;
      this.#shared.problems.push(
        `law 16: process ${this.number} asks (${op}) about ${limiter} by rules that it has no more`,
      );
    }
  }
}
