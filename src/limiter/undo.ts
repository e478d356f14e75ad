/**
 * Giving back what a caller who is no longer there was granted, or queues for.
 *
 * @module
 */

import { correctedName } from "../stores/correction.ts";
import { marksOf, type TakeReply, type TakeRequest, type Target } from "../stores/store.ts";
import type { StoreSession } from "./store_session.ts";

/** Ends the leases of a call, and its places in queues. */
export async function leave(client: StoreSession, targets: readonly Target[], id: string): Promise<void> {
  const holders = targets.filter((target) => target.slots > 0).map((target) => client.current(target));
  if (holders.length === 0) return;
  try {
    await client.ask({ op: "release", id, targets: holders });
  } catch (error) {
    client.room.lost(id, targets);
    throw error;
  }
}

/** Gives back what a reply granted to a caller who is no longer there, as far as the store hears of it. */
export function undoQuietly(client: StoreSession, request: TakeRequest, reply: TakeReply): void {
  undo(client, request, reply).catch(() => {});
}

/**
 * Gives back what a reply granted to a caller who is no longer there, but from a key that was forgotten since. What is
 * undone in one turn goes to the store in that order.
 */
export async function undo(
  client: StoreSession,
  request: TakeRequest,
  reply: TakeReply,
  forgotten?: string,
): Promise<void> {
  const { targets, id, mode } = request;
  if (mode === "peek" || (reply.status !== "allowed" && reply.status !== "queued")) return;
  if (id !== "") await leave(client, targets, id);
  // The mark of the first take came with the reply that was lost, so its units stay taken.
  if (reply.status !== "allowed" || reply.repeated) return;
  // Only a single target is taken from several times: all of it goes back, as one.
  const taken = reply.times === undefined ? targets : targets.map((target) => ({ ...target, cost: reply.times ?? 1 }));
  const marks = marksOf(targets, reply);
  if (forgotten === undefined) return void await client.ask({ op: "giveBack", targets: taken, marks });
  const stays = taken.map((target) => correctedName(target) !== forgotten);
  const known = taken.filter((_, i) => stays[i]);
  if (known.length > 0) await client.ask({ op: "giveBack", targets: known, marks: marks.filter((_, i) => stays[i]) });
}
