/**
 * The clock of one simulated process: it may be set forward, stand still while the process is paused, and end with it.
 *
 * @module
 */

import type { Clock, Timer } from "../../src/base/clock.ts";
import type { FakeClock } from "../../src/testing/fake_clock.ts";

interface Pending {
  readonly atUs: number;
  readonly callback: () => void;
  timer: Timer | undefined;
}

/** A clock that follows the clock of the world. */
export class ProcessClock implements Clock {
  readonly #world: FakeClock;
  readonly #pending = new Set<Pending>();
  /** What fell due while the process was paused. */
  readonly #due: (() => void)[] = [];
  #aheadUs = 0;
  #isPaused = false;
  #hasEnded = false;

  /**
   * @param world The clock of the world.
   */
  constructor(world: FakeClock) {
    this.#world = world;
  }

  /** Whether the process runs. */
  get isRunning(): boolean {
    return !this.#isPaused && !this.#hasEnded;
  }

  /** Whether the process has crashed. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** What the process takes for the time. */
  nowUs(): number {
    return this.#world.nowUs() + this.#aheadUs;
  }

  /** Calls back when this clock shows an instant, and the process runs. */
  schedule(atUs: number, callback: () => void): Timer {
    const pending: Pending = { atUs, callback, timer: undefined };
    this.#arm(pending);
    return {
      cancel: () => {
        this.#pending.delete(pending);
        pending.timer?.cancel();
      },
    };
  }

  /** Lets the world wait for work of this process. */
  waitFor(work: Promise<unknown>): void {
    this.#world.waitFor(work);
  }

  /** Does something as soon as the process runs: at once, at the end of a pause, or never. */
  run(work: () => void): void {
    if (this.#hasEnded) return;
    if (this.#isPaused) this.#due.push(work);
    else work();
  }

  /** Sets the clock forward. */
  stepForward(us: number): void {
    this.#aheadUs += us;
    for (const pending of this.#pending) {
      pending.timer?.cancel();
      this.#arm(pending);
    }
  }

  /** Stops the process, as SIGSTOP does. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Lets it run again. */
  resume(): void {
    this.#isPaused = false;
    for (const work of this.#due.splice(0)) this.run(work);
  }

  /** Ends the process: nothing of it happens any more. */
  crash(): void {
    this.#hasEnded = true;
    for (const { timer } of this.#pending) timer?.cancel();
    this.#pending.clear();
    this.#due.length = 0;
  }

  #arm(pending: Pending): void {
    if (this.#hasEnded) return;
    this.#pending.add(pending);
    pending.timer = this.#world.schedule(pending.atUs - this.#aheadUs, () => {
      if (!this.#pending.delete(pending)) return;
      this.run(pending.callback);
    });
  }
}
