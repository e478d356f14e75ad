/**
 * A number for what was decided: two processes that have decided the same have the same, and others most probably not.
 *
 * @module
 */

import type { DoneReply, LevelLeft, TakeReply, TakeStatus } from "../store.ts";

const ALLOWED = ("allowed" satisfies TakeStatus).length;

/** Takes in whole numbers, one after the other. */
export class Digest {
  #high: number;
  #low: number;

  /** Goes on from what `state` has told; from nothing without it. */
  constructor([high, low]: readonly [number, number] = [0x9e37_79b9 | 0, 0x85eb_ca6b | 0]) {
    this.#high = high;
    this.#low = low;
  }

  /** What was taken in so far. */
  get state(): readonly [number, number] {
    return [this.#high, this.#low];
  }

  /** The same as a text of 16 digits. */
  get text(): string {
    return [this.#high, this.#low].map((part) => (part >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** Takes in a number. */
  add(number: number): void {
    const low = Math.imul(this.#low ^ number, 0x0100_0193);
    this.#high = Math.imul(this.#high ^ (number / 0x1_0000_0000) ^ (low >>> 15), 0x85eb_ca6b);
    this.#low = low ^ (this.#high >>> 13);
  }

  /**
   * Takes in what is left of the one limit of a take that was allowed now, as the whole reply of it. Which of both a store
   * gives depends on whether it has forgotten a key that is as good as fresh, and that differs between processes.
   */
  addLeft({ first, second }: LevelLeft): void {
    this.add(ALLOWED);
    this.add(0);
    this.add(first);
    this.add(second);
  }

  /** Takes in a reply. */
  addReply(reply: TakeReply | DoneReply): void {
    if ("status" in reply) {
      this.add(reply.status.length);
      this.add(reply.waitUs);
    } else for (const count of reply.counts) this.add(count);
    for (const { rates, permits } of reply.levels) {
      for (const [first, second] of rates) {
        this.add(first);
        this.add(second);
      }
      if (permits === undefined) continue;
      this.add(permits.used);
      this.add(permits.freeInUs);
      this.add(permits.fence);
    }
  }
}
