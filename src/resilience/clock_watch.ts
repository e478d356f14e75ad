/**
 * Notices when the clock of a store is set back or forward. Replies carry that clock, so watching costs a subtraction for
 * each; what looks like a step is then measured.
 *
 * @module
 */

import { steadyUs, systemClock, wallMs } from "../base/clock.ts";
import type { StoreCheck, StoreProblem } from "../stores/check.ts";

/** The least that counts as a step, in microseconds: calls that take longer are late, so a reply is off by less. */
const STEP_US = 2_000_000;

/** The longest way of a call whose reply tells where the clock stands, in microseconds. */
const LONGEST_CALL_US = 500_000;

/** How fast clocks may run apart without being set: NTP corrects by at most half of this share. */
const DRIFT = 1e-3;

/** How often a reply corrects where the clock is expected, in microseconds, and by which part of the difference. */
const FOLLOW_US = 10_000_000;
const WEIGHT = 1 / 16;

/** How long a step is a problem, at least, in microseconds. */
const REMEMBERED_US = 3_600_000_000;

/**
 * The clocks of this process, in microseconds: the one that calls are timed by, one that counts only how long the process
 * has run, and the wall clock. Where this machine has slept, or its clock was set, one of them goes on as before.
 */
export interface OwnClocks {
  /** The one that calls are timed by. */
  nowUs(): number;
  /** How long the process has run. */
  steadyUs(): number;
  /** What the machine takes for the time. */
  wallUs(): number;
}

const OWN: OwnClocks = {
  nowUs: systemClock.nowUs,
  steadyUs: () => steadyUs(systemClock),
  wallUs: () => wallMs(systemClock) * 1_000,
};

interface Step {
  /** Negative if the clock was set back. */
  readonly byUs: number;
  readonly atUs: number;
}

/** The watch of one process on the clock of one store. */
export class ClockWatch {
  readonly #own: OwnClocks;
  readonly #measure: () => void;
  readonly #onStep: (text: string) => void;
  /** What the store's clock is ahead of the one that calls are timed by, latency included, and when that was seen. */
  #aheadUs = NaN;
  #seenUs = 0;
  /** What it is ahead of the others. */
  #aheadOfSteadyUs = 0;
  #aheadOfWallUs = 0;
  /** How far ahead the clock was by a reply that is being looked into. */
  #suspectedUs: number | undefined;
  #step: Step | undefined;

  constructor(
    measure: () => void,
    onStep: (text: string) => void,
    own: OwnClocks = OWN,
  ) {
    this.#measure = measure;
    this.#onStep = onStep;
    this.#own = own;
  }

  /** The store has answered a call: `nowUs` was its time, and the call was made at `askedUs` of this process' clock. */
  saw(nowUs: number, askedUs: number): void {
    const driftUs = nowUs - askedUs - this.#aheadUs;
    if (!(driftUs < STEP_US && driftUs > -STEP_US)) this.#suspect(nowUs, askedUs);
    else if (askedUs - this.#seenUs > FOLLOW_US) this.#follow(driftUs, askedUs);
  }

  /**
   * Reads what a look at the store has found: it compares its clock with the wall clock of this machine.
   *
   * @returns What there is to report of its clock beside that.
   */
  look({ clockOffsetMs }: StoreCheck): StoreProblem | undefined {
    if (clockOffsetMs !== undefined) this.#compare(clockOffsetMs * 1_000 + this.#own.wallUs() - this.#own.nowUs());
    this.#suspectedUs = undefined;
    const step = this.#step;
    if (step === undefined) return undefined;
    const isOld = this.#own.nowUs() - step.atUs > Math.max(Math.abs(step.byUs), REMEMBERED_US);
    return isOld ? undefined : { kind: "clock", message: textOf(step), stopsDecisions: false };
  }

  /** Clocks run apart by a little. */
  #follow(driftUs: number, askedUs: number): void {
    this.#aheadUs += driftUs * WEIGHT;
    this.#seenUs = askedUs;
  }

  #suspect(nowUs: number, askedUs: number): void {
    if (Number.isNaN(this.#aheadUs)) {
      const latencyUs = this.#own.nowUs() - askedUs;
      if (latencyUs <= LONGEST_CALL_US) this.#rebase(nowUs - askedUs - latencyUs / 2);
      return;
    }
    if (this.#suspectedUs !== undefined) return;
    this.#suspectedUs = nowUs - askedUs;
    this.#measure();
  }

  #compare(aheadUs: number): void {
    const nowUs = this.#own.nowUs();
    if (!Number.isNaN(this.#aheadUs)) {
      const slackUs = STEP_US + (nowUs - this.#seenUs) * DRIFT;
      const byUs = [
        aheadUs - this.#aheadUs,
        aheadUs + nowUs - this.#own.steadyUs() - this.#aheadOfSteadyUs,
        aheadUs + nowUs - this.#own.wallUs() - this.#aheadOfWallUs,
      ].reduce((least, by) => Math.abs(by) < Math.abs(least) ? by : least);
      if (Math.abs(byUs) > slackUs) {
        // Where decisions have another clock than the server's, as in tests, the two never agree.
        if (this.#suspectedUs !== undefined && Math.abs(aheadUs - this.#suspectedUs) > slackUs) {
          return this.#rebase(this.#suspectedUs);
        }
        this.#step = { byUs, atUs: nowUs };
        this.#onStep(textOf(this.#step));
      }
    }
    this.#rebase(aheadUs);
  }

  #rebase(aheadUs: number): void {
    this.#aheadUs = aheadUs;
    this.#seenUs = this.#own.nowUs();
    this.#aheadOfSteadyUs = aheadUs + this.#seenUs - this.#own.steadyUs();
    this.#aheadOfWallUs = aheadUs + this.#seenUs - this.#own.wallUs();
  }
}

function textOf({ byUs }: Step): string {
  const by = `${(Math.abs(byUs) / 1e6).toFixed(1)} s`;
  const todo = "Let NTP slew the clocks of the servers, and set them only before the server starts";
  return byUs < 0
    ? `The server's clock was set back by ${by}. Calls may wait for a window or full refill once more; leases of crashed ` +
      `holders, and blocks, may last for up to that long: reset() such keys. ${todo}`
    : `The server's clock was set forward by ${by}. Windows have ended early, so up to one more full limit may be ` +
      `admitted, and leases may have been lost. ${todo}`;
}
