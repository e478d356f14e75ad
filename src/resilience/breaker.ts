/**
 * A circuit breaker: while a store cannot decide, no call waits for it. A probe in the background, one at a time, finds
 * out when it can again.
 *
 * @module
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { StoreError } from "../base/errors.ts";
import type { StoreErrorReason } from "../base/store_error_reasons.ts";
import { isPermanent } from "../base/permanent.ts";
import { isOutage, isStoreError } from "./failure.ts";

/** So many failures in a row, of calls that were made one after the other, say that the store is away. */
const MOST_FAILURES = 5;

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

/** The connection is known to be down: one failure is enough, as it is where no waiting heals it. */
const DOWN: ReadonlySet<StoreErrorReason | undefined> = new Set<StoreErrorReason>([
  "connection_refused",
  "host_unknown",
  "connect_timeout",
  "tls",
  "disconnected",
  "too_many_requests",
]);

/** What a breaker works with. */
export interface BreakerOptions {
  /** What it waits by. */
  readonly clock: Clock;
  /** Resolves to undefined if the store can decide now, or to what is wrong, if that is known. May reject. */
  look(): Promise<StoreError | "unknown" | undefined>;
  /** Called when the store answers for the first time. Must not throw. */
  onFirstAnswer(): void;
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
  /** Why the store is not asked; undefined while it is. A field, as the next: every call reads both. */
  error: StoreError | undefined;
  /** Counts answers and failures: what a call has to remember, when it is made, for `failed`. */
  mark = 1;
  /** Where the count stood at the last of each. */
  #answeredAt = 0;
  #failedAt = 0;
  /** Failures in a row; of calls that were under way together one counts. */
  #inRow = 0;
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

  /** Where the counter stood at the last answer: it has grown if there was another one. */
  get answeredAt(): number {
    return this.#answeredAt;
  }

  /** The store has answered a call. */
  answered(): void {
    if (this.#answeredAt === 0) this.#options.onFirstAnswer();
    this.#answeredAt = ++this.mark;
    this.#inRow = 0;
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

  /**
   * A call has failed that was made when `mark` was so much.
   *
   * @param error What it failed with.
   * @param mark Where the counter stood.
   * @param isPart Whether other calls may do without what has failed, so that one failure is never enough.
   */
  failed(error: StoreError, mark: number, isPart = false): void {
    if (!isOutage(error)) return;
    if (this.error !== undefined) {
      this.#knownUs = Math.max(this.#knownUs, this.#options.clock.nowUs());
      return;
    }
    // Not one answer since it was made.
    const isSilent = error.code === "STORE_TIMEOUT" && mark >= this.#answeredAt;
    const isNew = mark >= this.#failedAt;
    if (isNew) {
      this.#failedAt = ++this.mark;
      this.#inRow++;
    }
    const isEnough = !isPart && (DOWN.has(error.reason) || isPermanent(error.reason) || isSilent);
    if (isEnough || this.#inRow >= MOST_FAILURES) this.#open(error);
  }

  /** Looks no more. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #open(error: StoreError): void {
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
    this.#inRow = 0;
    this.#upAtUs = nowUs;
    this.#options.onUp(nowUs - this.#downAtUs);
  }
}
