/**
 * What a decision brings with it: a permit, counts, events.
 *
 * @module
 */

import type { TakeReply } from "../../stores/store.ts";
import type { Decision, DenialReason } from "./decision.ts";
import type { Party } from "../party.ts";
import { type Permit, RatePermit } from "./permit.ts";
import type { StoreSession } from "../store_session.ts";

/** Makes the permit of a decision that allows; its lease is kept alive by the client that took it. */
export function newPermit(
  parties: readonly Party[],
  decision: Decision,
  waitedMs: number,
  held?: { client: StoreSession; reply: TakeReply; id: string },
): Permit {
  const holders = parties.length === 1 && (parties[0] as Party).slots > 0
    ? parties
    : parties.filter((party) => party.slots > 0);
  if (held === undefined || holders.length === 0) return new RatePermit(decision, waitedMs);
  return held.client.hold(holders, decision, waitedMs, held.reply, held.id);
}

/** Adds a decision to the counts of its limiters, and tells their subscribers. */
export function count(
  parties: readonly Party[],
  decision: Decision,
  waitedMs: number,
  nowUs: number,
  patient: boolean,
  wasQueued: boolean = false,
): void {
  for (let i = 0; i < parties.length; i++) {
    countFor(parties[i] as Counted, decision, waitedMs, nowUs, patient, wasQueued);
  }
}

/** Whose counts a decision is added to. */
export type Counted = Pick<Party, "limiter" | "metrics" | "events">;

/**
 * Adds a decision to the counts of one limiter, and tells its subscribers. `patient` calls gave up because of their
 * deadline where they were denied; one that was queued has been counted as finding every permit taken.
 */
export function countFor(
  counted: Counted,
  decision: Decision,
  waitedMs: number,
  nowUs: number,
  patient: boolean,
  wasQueued: boolean = false,
): void {
  if (decision.allowed) counted.metrics.acquired(waitedMs, nowUs);
  else countDenial(counted.metrics, decision.reason, patient, wasQueued);
  if (decision.degraded) counted.metrics.degraded();
  if (counted.events.any) counted.events.emit({ type: "decision", limiter: counted.limiter, decision, waitedMs });
}

function countDenial(
  metrics: Counted["metrics"],
  reason: DenialReason | undefined,
  patient: boolean,
  wasQueued: boolean,
): void {
  if (reason === "queue_full") metrics.denied("queue_full");
  else metrics.denied(reason === "concurrency" && !wasQueued ? "full" : undefined, patient);
}
