/**
 * What callers of a simulated process do.
 *
 * @module
 */

import type { RateSync } from "../../mod.ts";
import type { FakeClock } from "../../src/testing/fake_clock.ts";
import type { ProcessClock } from "./process_clock.ts";
import type { Random } from "./random.ts";
import type { LimiterId } from "./scenario.ts";

/** A call for a permit of the pool, as its caller sees it. */
export interface PoolCall {
  /** The number of its process. */
  readonly process: number;
  /** Whether nothing but a permit is missing: it has rate of its own. */
  readonly hasRate: boolean;
  /** When it was made. */
  readonly fromUs: number;
  /** When it was over, one way or the other. */
  untilUs: number;
}

/** What callers are given. */
export interface TrafficParts {
  /** The number of the process. */
  readonly process: number;
  /** The instance of the process. */
  readonly rs: RateSync<LimiterId>;
  /** The clock of the process. */
  readonly clock: ProcessClock;
  /** The clock of the world. */
  readonly world: FakeClock;
  /** Decides what they do. */
  readonly random: Random;
  /** Takes down calls for permits. */
  readonly calls: PoolCall[];
  /** Takes down what a key that only one call uses may be charged, by the name of its ledger. */
  readonly charges: Map<string, number>;
  /** Takes down errors that nobody expects. */
  readonly surprises: string[];
}

/** How many calls each caller makes, one after the other. */
const CALLS = 10;

/** Errors that calls may end with. */
const EXPECTED = ["AbortError", "RateLimitedError", "StoreError", "LeaseLostError"];

/** Callers of one process, one after the other and beside each other. */
export class Traffic {
  readonly #parts: TrafficParts;
  #number = 0;

  /**
   * Makes them.
   *
   * @param parts What they are given.
   */
  constructor(parts: TrafficParts) {
    this.#parts = parts;
  }

  /** Lets so many callers make their calls. Resolves when the last one is done. */
  async run(callers: number): Promise<void> {
    await Promise.all(Array.from({ length: callers }, async () => {
      for (let i = 0; i < CALLS; i++) {
        await this.#call();
        await this.#sleep(50_000);
      }
    }));
  }

  async #call(): Promise<void> {
    const { random, surprises } = this.#parts;
    const abort = new AbortController();
    if (random.chance(0.25)) this.#later(random.below(600_000), () => abort.abort());
    const kind = random.pick(["together", "together", "pool", "pool", "paced", "shared", "shared", "reserve", "both"]);
    try {
      if (kind === "together") await this.#together(abort.signal);
      else if (kind === "pool") await this.#pool(abort.signal);
      else if (kind === "reserve") await this.#reserve();
      else await this.#acquire(kind as LimiterId, abort.signal);
    } catch (error) {
      const { name, message } = error as Error;
      if (!EXPECTED.includes(name)) surprises.push(`${name}: ${message}`);
    }
  }

  /** A rate of the caller's own and a permit; some callers share a rate that is used up. */
  async #together(signal: AbortSignal): Promise<void> {
    const { rs, process, random, charges } = this.#parts;
    const isSlow = random.chance(0.3);
    const key = isSlow ? "everybody" : `${process}.${++this.#number}`;
    if (!isSlow) charges.set(`user of ${key}`, 1);
    await this.#hold(!isSlow, () => {
      return rs.acquireAll([{ limiter: "user", key }, { limiter: "pool" }], { timeoutMs: 8_000, signal });
    });
  }

  async #pool(signal: AbortSignal): Promise<void> {
    await this.#hold(true, () => this.#parts.rs.acquire("pool", { timeoutMs: 8_000, signal }));
  }

  /** Asks for a permit of the pool, and holds it for a while. */
  async #hold(hasRate: boolean, ask: () => Promise<{ release(): Promise<void> }>): Promise<void> {
    const { process, world, calls, random } = this.#parts;
    const call: PoolCall = { process, hasRate, fromUs: world.nowUs(), untilUs: Infinity };
    calls.push(call);
    let permit;
    try {
      permit = await ask();
    } finally {
      call.untilUs = world.nowUs();
    }
    await this.#sleep(1_000 + random.below(300_000));
    await permit.release();
  }

  async #acquire(limiter: LimiterId, signal: AbortSignal): Promise<void> {
    const { rs, random } = this.#parts;
    const cost = limiter === "paced" ? 1 : 1 + random.below(3);
    const permit = await rs.acquire(limiter, { cost, timeoutMs: 4_000, signal });
    await this.#sleep(random.below(50_000));
    await permit.release();
  }

  /** Takes for later, and gives some of it back, or all. */
  async #reserve(): Promise<void> {
    const { rs, random } = this.#parts;
    const cost = 1 + random.below(3);
    const reservation = await rs.reserve("shared", { cost, timeoutMs: 4_000 });
    await this.#sleep(random.below(1_000_000));
    if (random.chance(0.5)) await reservation.cancel();
    else await reservation.settle(random.below(cost + 1));
  }

  async #sleep(us: number): Promise<void> {
    await new Promise<void>((resolve) => this.#later(us, resolve));
  }

  #later(us: number, work: () => void): void {
    const { clock } = this.#parts;
    clock.schedule(clock.nowUs() + us, work);
  }
}
