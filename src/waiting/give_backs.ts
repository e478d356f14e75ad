/**
 * What callers who have left give back.
 *
 * @module
 */

import type { Mark } from "../algorithms/kernel.ts";
import { inMicrotask } from "../base/turn.ts";
import { correctedName } from "../stores/correction.ts";
import { type GiveBackRequest, marksOf, type Store, type TakeReply, type Target } from "../stores/store.ts";

/**
 * The request that gives back what a reply has taken; undefined where that is nothing.
 *
 * @param targets What was asked for.
 * @param reply The reply that is not needed any more.
 * @param forgotten Names a key that the store has forgotten since: nothing of it goes back.
 */
export function giveBackOf(
  targets: readonly Target[],
  reply: TakeReply,
  forgotten?: string,
): GiveBackRequest | undefined {
  // The mark of the first take came with the reply that was lost, so its units stay taken.
  if (reply.status !== "allowed" || reply.repeated) return undefined;
  // Only a single target is taken from several times: all of it goes back, as one.
  const { times } = reply;
  const taken = times === undefined ? targets : targets.map((target) => ({ ...target, cost: times }));
  const marks = marksOf(targets, reply);
  if (forgotten === undefined) return { op: "giveBack", targets: taken, marks };
  const stays = taken.map((target) => correctedName(target) !== forgotten);
  if (!stays.includes(true)) return undefined;
  return { op: "giveBack", targets: taken.filter((_, i) => stays[i]), marks: marks.filter((_, i) => stays[i]) };
}

/**
 * Give-backs to a store in this process. Thousands of calls may leave in one turn, and each would keep the event loop for
 * longer than its decision did: so they become one request. It is sent before any other, and before the callers hear
 * that they have left.
 */
export class OwedGiveBacks {
  readonly #store: Store;
  #targets: Target[] = [];
  #marks: (readonly Mark[])[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  /** Adds one. */
  add({ targets, marks }: GiveBackRequest): void {
    if (this.#targets.length === 0) inMicrotask(() => this.send());
    this.#targets.push(...targets);
    this.#marks.push(...marks);
  }

  /** Sends all of them. */
  send(): void {
    if (this.#targets.length === 0) return;
    const request: GiveBackRequest = { op: "giveBack", targets: this.#targets, marks: this.#marks };
    this.#targets = [];
    this.#marks = [];
    try {
      const done = this.#store.execute(request);
      if (done instanceof Promise) done.catch(() => {});
    } catch {
      // A store that was closed has forgotten everything.
    }
  }
}
