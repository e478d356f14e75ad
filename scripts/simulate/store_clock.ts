/**
 * The clock of the simulated store, which may step back.
 *
 * @module
 */

import type { Clock, Timer } from "../../src/base/clock.ts";
import type { FakeClock } from "../../src/testing/fake_clock.ts";

/** A clock that follows the clock of the world, from farther and farther behind. */
export class StoreClock implements Clock {
  readonly #world: FakeClock;
  #behindUs = 0;
  #steps = 0;

  /**
   * @param world The clock of the world.
   */
  constructor(world: FakeClock) {
    this.#world = world;
  }

  /** How often it has stepped back. */
  get steps(): number {
    return this.#steps;
  }

  /** What the store takes for the time. */
  nowUs(): number {
    return this.#world.nowUs() - this.#behindUs;
  }

  /** Calls back when this clock would show an instant without another step. */
  schedule(atUs: number, callback: () => void): Timer {
    return this.#world.schedule(atUs + this.#behindUs, callback);
  }

  /** Sets the clock back. */
  stepBack(us: number): void {
    this.#behindUs += us;
    this.#steps++;
  }
}
