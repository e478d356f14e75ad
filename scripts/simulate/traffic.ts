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
  /** Whether they block keys. */
  readonly blocks: boolean;
  /** Whether calls of one process are served in their order: nothing is lost. */
  readonly inOrder: boolean;
  /** Takes down calls for permits. */
  readonly calls: PoolCall[];
  /** Takes down what a key that only one call uses may be charged, by the name of its ledger. */
  readonly charges: Map<string, number>;
  /** Records unexpected errors. */
  readonly surprises: string[];
}

/** How many calls each caller makes, one after the other. */
const CALLS = 10;

/** What they make. */
const KINDS = ["together", "together", "pool", "pool", "paced", "shared", "shared", "reserve", "both"] as const;

/** Errors that calls may end with. */
const EXPECTED = ["AbortError", "RateLimitedError", "StoreError", "LeaseLostError"];

/** A call that waits for rates alone. */
interface RateCall {
  readonly limiter: LimiterId;
  readonly cost: number;
  /** How often rules had changed when they changed last while it waited. */
  change: number;
  /** When one was served that came later. */
  overtakenUs: number;
}

/** Callers of one process, one after the other and beside each other. */
export class Traffic {
  readonly #parts: TrafficParts;
  #number = 0;
  #isClosing = false;
  /** Those that have no answer, in the order in which they were made. */
  readonly #rateCalls = new Set<RateCall>();
  #changes = 0;

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
      for (let i = 0; i < CALLS && !this.#isClosing; i++) {
        await this.#call();
        await this.#sleep(50_000);
      }
    }));
  }

  /** No caller makes another call: the process is about to close. */
  stop(): void {
    this.#isClosing = true;
  }

  /** The rules of the process have changed: all that wait are served by the new ones. */
  changed(): void {
    this.#changes++;
    for (const call of this.#rateCalls) call.change = this.#changes;
  }

  async #call(): Promise<void> {
    const { random, surprises, blocks } = this.#parts;
    const abort = new AbortController();
    if (random.chance(0.25)) this.#later(random.below(600_000), () => abort.abort());
    const kind = random.pick(blocks ? [...KINDS, "block"] : KINDS);
    try {
      if (kind === "together") await this.#together(abort.signal);
      else if (kind === "pool") await this.#pool(abort.signal);
      else if (kind === "reserve") await this.#reserve();
      else if (kind === "block") {
        await this.#parts.rs.block("shared", random.below(1_000), { keepLonger: random.chance(0.5) });
      } else await this.#acquire(kind as LimiterId, abort.signal);
    } catch (error) {
      const { name, message } = error as Error;
      if (this.#isClosing && name === "ClosedError") return;
      if (!EXPECTED.includes(name)) surprises.push(`${name}: ${message}`);
    }
  }

  /** A rate of the caller's own and a permit; some callers share a rate that is used up. */
  async #together(signal: AbortSignal): Promise<void> {
    const { rs, process, random, charges } = this.#parts;
    const isSlow = random.chance(0.3);
    const key = isSlow ? "shared" : `${process}.${++this.#number}`;
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
    const call: RateCall = { limiter, cost, change: 0, overtakenUs: Infinity };
    this.#rateCalls.add(call);
    let permit;
    try {
      permit = await rs.acquire(limiter, { cost, timeoutMs: 4_000, signal });
      this.#servedInOrder(call);
    } finally {
      this.#rateCalls.delete(call);
    }
    await this.#sleep(random.below(50_000));
    await permit.release();
  }

  /** Law 16: of calls alike that waited when rules changed, none is served later than one that came after it. */
  #servedInOrder(call: RateCall): void {
    const { inOrder, surprises, world } = this.#parts;
    if (!inOrder || call.change === 0 || call.limiter === "paced") return;
    if (call.overtakenUs < world.nowUs()) {
      surprises.push(`law 16: a call for ${call.cost} of ${call.limiter} was served after one that came later`);
    }
    for (const other of this.#rateCalls) {
      if (other === call) return;
      const isAlike = other.limiter === call.limiter && other.cost === call.cost && other.change === call.change;
      if (isAlike) other.overtakenUs = Math.min(other.overtakenUs, world.nowUs());
    }
  }

  /** Takes for later, and gives some of it back, or all. */
  async #reserve(): Promise<void> {
    const { rs, random } = this.#parts;
    const cost = 1 + random.below(3);
    const reservation = await rs.reserve("shared", { cost, timeoutMs: 4_000 });
    await this.#sleep(random.below(1_000_000));
    if (random.chance(0.5)) await reservation.cancel();
    else await reservation.settle(random.below(cost));
  }

  async #sleep(us: number): Promise<void> {
    await new Promise<void>((resolve) => this.#later(us, resolve));
  }

  #later(us: number, work: () => void): void {
    const { clock } = this.#parts;
    clock.schedule(clock.nowUs() + us, work);
  }
}
