/**
 * What callers who have left give back.
 *
 * @module
 */

import { correctedName } from "../stores/correction.ts";
import { type GiveBackRequest, marksOf, type TakeReply, type Target } from "../stores/store.ts";

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
