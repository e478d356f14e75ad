/**
 * How a call waits: for the instant that the store has assigned to it, or for the permits that it queues for.
 *
 * @module
 */

import { onAbort } from "../base/abort.ts";
import { steadyUs } from "../base/clock.ts";
import { keepAlive } from "../base/deadline.ts";
import type { TakeReply, Target } from "../stores/store.ts";
import type { Call } from "./call.ts";
import { isClosed } from "../resilience/failure.ts";
import { lineOf } from "../waiting/permit_queue.ts";
import type { QueuedCall } from "../waiting/queued_call.ts";

/** Waits for the instant of a reply. Resolves to undefined where it holds no longer. */
export function waitForTurn<Answer>(call: Call<Answer>, reply: TakeReply): Promise<TakeReply | undefined> {
  const { session, targets, signal } = call;
  session.listener.hear(reply.waitUs);
  session.adoptLate(targets);
  return session.turns.wait({
    targets,
    reply,
    // A store in this process has the clock of this process.
    receivedUs: session.store.isLocal ? reply.nowUs : session.clock.nowUs(),
    signal,
    giveBack: (unused, forgotten) => session.undo(call, unused, forgotten).catch(() => {}),
  }).then((outcome) => outcome === "due" ? reply : undefined);
}

/** What ends a wait in the queue, other than a reply: the deadline, or rules that give its place no use. */
type QueueEnd = "late" | "moved";

/**
 * Waits for what the store has queued a call for. A store that has no line for a take of rates from several targets is
 * asked again and again.
 *
 * @returns The last reply: allowed, or the denial where the deadline came first. Undefined where the call must ask anew,
 * because rules have changed.
 */
export async function waitForPermit<Answer>(call: Call<Answer>, first: TakeReply): Promise<TakeReply | undefined> {
  const { session, targets, maxWaitUs } = call;
  const { room } = session;
  const deadlineUs = call.startUs + maxWaitUs;
  const id = call.id || `again.${++session.room.named}`;
  const queued: QueuedCall = {
    id,
    line: targets.length === 1 ? lineOf(targets[0] as Target) : id,
    targets,
    ask: (arrivalUs) => askAgain(call, arrivalUs, deadlineUs),
    endsPlace: () => session.changed.endsPlace(call.targets),
    // Of one target, leaving comes after the question, and ends what that granted.
    ...(targets.length === 1 ? {} : { late: (granted) => session.undoQuietly(call, granted) }),
  };
  if (call.id === "") room.announce(id, targets[0] as Target);
  else if (
    first.levels.some(({ permits }, i) => permits !== undefined && isTaken(targets[i] as Target, permits.used))
  ) {
    call.wasQueued = true;
    for (const { permits, recorder } of targets) if (permits > 0) recorder.queued();
  }
  try {
    const served = room.wait(queued, first);
    session.adoptLate(targets);
    const last = await queue(call, served, deadlineUs);
    if (last === "moved") return undefined;
    return last === "late" ? call.id === "" ? { ...first, status: "rate" } : first : last;
  } finally {
    room.forget(id);
  }
}

/** Waits to be served, also while the store is away, until the deadline or the caller gives up. */
async function queue<Answer>(
  call: Call<Answer>,
  served: Promise<TakeReply | undefined>,
  deadlineUs: number,
): Promise<TakeReply | QueueEnd> {
  const { session, signal, id, targets } = call;
  const { clock } = session;
  let granted: TakeReply | undefined;
  let cleanUp = () => {};
  try {
    const outcome = await new Promise<TakeReply | QueueEnd>((resolve, reject) => {
      served.then((reply) => resolve((granted = reply) ?? "moved"), reject);
      if (signal?.aborted) return reject(signal.reason);
      const stay = onAbort(signal, () => reject(signal?.reason));
      // A call that waits keeps the process alive: by its deadline, or without one while another process may serve it.
      const timer = Number.isFinite(deadlineUs)
        ? clock.schedule(clock.nowUs() + deadlineUs - steadyUs(clock), () => resolve("late"))
        : session.health && keepAlive();
      cleanUp = () => {
        timer?.cancel();
        stay();
      };
    });
    const trouble = outcome === "late" ? session.troubleOf(id) : undefined;
    if (trouble !== undefined) throw trouble;
    // No call waits for the store to hear of it. The lease ends by itself if the store is gone.
    if (typeof outcome === "string" || outcome.status !== "allowed") session.leave(targets, id).catch(() => {});
    return outcome;
  } catch (error) {
    // Served or not at that very moment: nothing of it is kept.
    const left = granted === undefined ? session.leave(targets, id) : session.undo(call, granted);
    const heard = left.catch(() => {});
    if (isClosed(error)) await heard; // the store stays open until then
    throw error;
  } finally {
    cleanUp();
  }
}

/** Asks the store again for a call that queues, by the rules of this moment. */
function askAgain<Answer>(call: Call<Answer>, arrivalUs: number, deadlineUs: number): Promise<TakeReply> {
  const { session, mode, id } = call;
  const targets = call.targets = session.changed.currentAll(call.targets);
  if (targets.length === 1) return session.ask({ op: "poll", id, arrivalUs, targets: [targets[0] as Target] });
  const maxWaitUs = Math.max(deadlineUs - steadyUs(session.clock), 0);
  return session.ask({ op: "take", mode, id, targets, arrivalUs, maxWaitUs });
}

/** Whether a limiter has no permit left for a call. */
function isTaken({ permits, policy }: Target, used: number): boolean {
  return used + permits > policy.maxConcurrent;
}
