/**
 * A circuit breaker: while a store cannot decide, no call waits for it. A probe in the background, one at a time, finds
 * out when it can again. What opens it is in `store_health.ts`.
 *
 * @module
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { StoreError } from "../base/errors.ts";
import { isStoreError } from "./failure.ts";

/** The first look is that long after the last failure, in microseconds; each one after it takes twice as long to come. */
const FIRST_LOOK_US = 100_000;

/** The longest time between two looks: with as long as a connection takes to come back, less than two seconds. */
const MAX_LOOK_US = 400_000;

/** What was found out is that old at most, in microseconds, while looks follow one another. */
const STALE_US = 3_000_000;

/** A timer that fires that late says that the process was frozen in between, in microseconds. */
const FROZEN_US = 1_000_000;

/** Stop probing after this many probes without a call; the next call resumes probing, and each reader causes one more. */
const MOST_IDLE_LOOKS = 25;

/** What a breaker works with. */
export interface BreakerOptions {
  /** What it waits by. */
  readonly clock: Clock;
  /** Resolves to undefined if the store can decide now, or to what is wrong, if that is known. May reject. */
  look(): Promise<StoreError | "unknown" | undefined>;
  /** Called when the store is given up. Must not throw. */
  onDown(error: StoreError): void;
  /** Called when the store is given up, and a look has found what is wrong now. Must not throw. */
  onStillDown(error: StoreError): void;
  /** Told when it decides again, and after how long. Must not throw. */
  onUp(downUs: number): void;
}

/** The breaker of one process at one store. */
export class Breaker {
  readonly #options: BreakerOptions;
  /** Why the store is not asked; undefined while it is. A field: every call reads it. */
  error: StoreError | undefined;
  #outages = 0;
  #downAtUs = 0;
  #timer: Timer | undefined;
  #delayUs = FIRST_LOOK_US;
  #upAtUs = -Infinity;
  #idleLooks = 0;
  #isLooking = false;
  /** When it was last known that the store is away. */
  #knownUs = -Infinity;
  #isClosed = false;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /**
   * Whether it is unknown if the store is still away: the probes have ended because no calls came, or the process
   * was frozen. A call may then find out, within its own time.
   */
  get isStale(): boolean {
    return this.#options.clock.nowUs() - this.#knownUs > STALE_US;
  }

  /** How often the store has been given up. */
  get outages(): number {
    return this.#outages;
  }

  /** Since when it is given up, by the clock; undefined while it is asked. */
  get downSinceUs(): number | undefined {
    return this.error === undefined ? undefined : this.#downAtUs;
  }

  /** A call was rejected: keeps the probes running. */
  missed(): void {
    this.#idleLooks = 0;
    this.refresh();
  }

  /** The state is being read. If the probes have ended because no calls came, one more finds out what holds now. */
  refresh(): void {
    if (this.error !== undefined && this.#timer === undefined && !this.#isLooking) this.#lookLater(0);
  }

  /** A call has failed in spite of it: the store is still away. */
  stillFails(): void {
    this.#knownUs = Math.max(this.#knownUs, this.#options.clock.nowUs());
  }

  /** Looks no more. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  /** Gives the store up, until a probe finds that it decides. */
  open(error: StoreError): void {
    const nowUs = this.#options.clock.nowUs();
    this.error = error;
    this.#outages++;
    this.#downAtUs = nowUs;
    this.#knownUs = nowUs + (error.retryAfterMs ?? 0) * 1_000;
    this.#idleLooks = 0;
    // A store that comes and goes is probed as rarely as one that stays away.
    if (nowUs - this.#upAtUs > 10 * MAX_LOOK_US) this.#delayUs = FIRST_LOOK_US;
    this.#options.onDown(error);
    this.#lookLater(Math.max(this.#delayUs, (error.retryAfterMs ?? 0) * 1_000));
  }

  #lookLater(delayUs: number): void {
    if (this.#isClosed) return;
    const { clock } = this.#options;
    const atUs = clock.nowUs() + Math.ceil(delayUs * (0.75 + Math.random() / 2));
    this.#timer = clock.schedule(atUs, () => {
      this.#timer = undefined;
      void this.#look(clock.nowUs() - atUs > FROZEN_US);
    }, { background: true });
  }

  /** @param wasFrozen Whether it may only hear how an attempt ended that began before the process was frozen. */
  async #look(wasFrozen: boolean): Promise<void> {
    this.#isLooking = true;
    const startUs = this.#options.clock.nowUs();
    let wrong: StoreError | "unknown" | undefined = "unknown";
    try {
      wrong = await this.#options.look();
    } catch (error) {
      if (isStoreError(error)) wrong = error;
    }
    this.#isLooking = false;
    if (this.#isClosed) return;
    if (wrong === undefined) return this.#shut();
    if (wrong !== "unknown") this.#options.onStillDown(this.error = wrong);
    this.#delayUs = Math.min(this.#delayUs * 2, MAX_LOOK_US);
    const pauseUs = wrong === "unknown" ? 0 : (wrong.retryAfterMs ?? 0) * 1_000;
    // From its start: the process may have been frozen since.
    if (!wasFrozen) this.#knownUs = Math.max(this.#knownUs, startUs + pauseUs);
    if (++this.#idleLooks <= MOST_IDLE_LOOKS) this.#lookLater(Math.max(this.#delayUs, pauseUs));
  }

  #shut(): void {
    const nowUs = this.#options.clock.nowUs();
    this.error = undefined;
    this.#upAtUs = nowUs;
    this.#options.onUp(nowUs - this.#downAtUs);
  }
}
