/**
 * Taking permits, and rates with them: the store hands them over when it is the caller's turn.
 *
 * @module
 */

import { onAbort, orAbort } from "../base/abort.ts";
import { steadyUs } from "../base/clock.ts";
import { keepAlive } from "../base/deadline.ts";
import { ClosedError } from "../base/errors.ts";
import { shortKey } from "../base/short_key.ts";
import type { TakeReply, TakeRequest, Target } from "../stores/store.ts";
import { isClosed, isOutage, isStoreError } from "./resilience/failure.ts";
import type { StoreSession } from "./store_session.ts";
import type { TakeOptions } from "./take_options.ts";
import { leave, undo, undoQuietly } from "./undo.ts";
import type { QueuedCall } from "./waiting/permit_queue.ts";

/** Takes slots, and rates with them: the store hands them over when it is the caller's turn. */
export async function takeSlot(
  client: StoreSession,
  request: TakeRequest,
  options: TakeOptions,
  startUs: number,
): Promise<TakeReply> {
  const { targets, id, maxWaitUs } = request;
  const { signal } = options;
  let isOver = false;
  /** Sent only for somebody who is still there. */
  const first = async (): Promise<TakeReply> => {
    if (maxWaitUs > 0) await client.listen();
    if (isOver) throw new ClosedError("a call that is over");
    try {
      return await client.ask(request, signal);
    } catch (error) {
      abandon(client, request, error);
      throw error;
    }
  };
  client.room.announce(id, targets[0] as Target);
  const left = client.waits.add(targets.filter((target) => target.slots === 0));
  try {
    const refusal = client.health?.refusal();
    if (refusal !== undefined) throw refusal;
    const unused = (late: TakeReply) => undoQuietly(client, request, late);
    const asked = client.health?.within(first(), targets, unused) ?? first();
    const reply = await orAbort(asked, signal, unused);
    return reply.status === "queued" ? await waitForSlot(client, request, reply, options, startUs) : reply;
  } finally {
    isOver = true;
    left();
    client.room.forget(id);
  }
}

/** A request without an answer may have been queued or granted all the same, and its caller has gone. */
export function abandon(client: StoreSession, { targets, id }: TakeRequest, error: unknown): void {
  if (isStoreError(error) && isOutage(error) && error.code !== "STORE_REFUSED") {
    leave(client, targets, id).catch(() => {});
  }
}

/** Waits for what a request queues for. The call must have been announced before it was sent. */
export async function waitForSlot(
  client: StoreSession,
  request: TakeRequest,
  reply: TakeReply,
  { signal, queued }: Pick<TakeOptions, "signal" | "queued">,
  startUs: number,
): Promise<TakeReply> {
  const { targets, id } = request;
  const deadlineUs = startUs + request.maxWaitUs;
  const call: QueuedCall = {
    id,
    line: targets.length === 1 ? nameOf(targets) : id,
    targets,
    ask: (arrivalUs) => askAgain(client, request, arrivalUs, deadlineUs),
    // Of one target, leaving comes after the question, and ends what that granted.
    ...(targets.length === 1 ? {} : { late: (granted) => undoQuietly(client, request, granted) }),
  };
  if (reply.levels.some(({ slots }, i) => slots !== undefined && isTaken(targets[i] as Target, slots.used))) queued();
  return await queue(client, request, client.room.wait(call, reply), { signal, deadlineUs }) ?? reply;
}

/** Waits to be served, also while the store is away, until the deadline or the caller gives up. */
export async function queue(
  client: StoreSession,
  request: TakeRequest,
  served: Promise<TakeReply>,
  { signal, deadlineUs }: { signal: AbortSignal | undefined; deadlineUs: number },
): Promise<TakeReply | undefined> {
  let granted: TakeReply | undefined;
  let cleanUp = () => {};
  try {
    const outcome = await new Promise<TakeReply | undefined>((resolve, reject) => {
      served.then((reply) => resolve(granted = reply), reject);
      if (signal?.aborted) return reject(signal.reason);
      const stay = onAbort(signal, () => reject(signal?.reason));
      // A call that waits keeps the process alive: by its deadline, or without one while another process may serve it.
      const timer = Number.isFinite(deadlineUs)
        ? client.clock.schedule(client.clock.nowUs() + deadlineUs - steadyUs(client.clock), () => resolve(undefined))
        : client.health && keepAlive();
      cleanUp = () => {
        timer?.cancel();
        stay();
      };
    });
    const trouble = outcome === undefined ? client.troubleOf(request.id) : undefined;
    if (trouble !== undefined) throw trouble;
    // Nobody waits for the store to hear of it. One that is gone forgets it by itself.
    if (outcome?.status !== "allowed") leave(client, request.targets, request.id).catch(() => {});
    return outcome;
  } catch (error) {
    // Served or not at that very moment: nothing of it is kept.
    const left = granted === undefined ? leave(client, request.targets, request.id) : undo(client, request, granted);
    const heard = left.catch(() => {});
    if (isClosed(error)) await heard; // the store stays open until then
    throw error;
  } finally {
    cleanUp();
  }
}

/** Whether a limiter has no permit left for a call. */
function isTaken({ slots, policy }: Target, used: number): boolean {
  return used + slots > policy.maxConcurrent;
}

/** Asks the store again for a call that queues. */
export function askAgain(
  client: StoreSession,
  request: TakeRequest,
  arrivalUs: number,
  deadlineUs: number,
): Promise<TakeReply> {
  const [target, ...more] = request.targets.map((each) => client.current(each)) as [Target, ...Target[]];
  if (more.length === 0) return client.ask({ op: "poll", id: request.id, arrivalUs, targets: [target] });
  const maxWaitUs = Math.max(deadlineUs - steadyUs(client.clock), 0);
  return client.ask({ ...request, targets: [target, ...more], arrivalUs, maxWaitUs });
}

function nameOf(targets: readonly Target[]): string {
  return JSON.stringify(targets.map(({ limiter, key }) => [limiter, shortKey(key)]));
}
