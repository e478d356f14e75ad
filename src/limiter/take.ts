/**
 * Taking: at once, or after a fair wait. The journey of a decision, from the caller to the store and back.
 *
 * @module
 */

import type { Mark } from "../algorithms/kernel.ts";
import { orAbort } from "../base/abort.ts";
import { type TakeReply, type TakeRequest, type Target, waiterId } from "../stores/store.ts";
import { isClosed } from "./failure.ts";
import type { StoreClient } from "./store_client.ts";
import type { QueuedCall } from "./waiting_room.ts";

/** What became of a take, after all waiting. */
export interface Taken {
  /** The last reply: allowed, or the denial. */
  readonly reply: TakeReply;
  /** The id of the leases that are held, if slots were taken. */
  readonly id: string;
  /** How long the caller waited, in milliseconds, beside the calls themselves. */
  readonly waitedMs: number;
}

/** How to take. */
export interface TakeOptions {
  /** What to take from. */
  readonly targets: readonly Target[];
  /** The longest acceptable wait, in microseconds. */
  readonly maxWaitUs: number;
  /** Gives up. */
  readonly signal: AbortSignal | undefined;
  /** Takes for a later instant, but does not wait for it. */
  readonly reserveOnly?: boolean;
  /** Told when the call found every slot taken and queues. */
  queued(): void;
}

/** Asks for a decision now. */
export async function takeNow(client: StoreClient, targets: readonly Target[], mode: "now" | "peek"): Promise<Taken> {
  const request = newRequest(client, targets, mode, 0);
  const reply = await client.ask(request);
  return { reply, id: request.id, waitedMs: 0 };
}

/**
 * Takes for the earliest possible instant and waits for it. A denial comes back at once, as soon as it is known that
 * the wait would be too long. A caller who gives up gets the signal's reason, and his place is given back.
 */
export async function takeInTurn(client: StoreClient, options: TakeOptions): Promise<Taken> {
  const { targets, signal } = options;
  signal?.throwIfAborted();
  const startUs = client.clock.nowUs();
  const reserved = targets.every((target) => target.slots === 0);
  if (!reserved && options.maxWaitUs > 0) await orAbort(client.listen(), signal);
  const request = newRequest(client, targets, options.maxWaitUs > 0 ? "wait" : "now", options.maxWaitUs);
  const call: QueuedCall = {
    id: request.id,
    line: targets.length === 1 ? nameOf(targets) : request.id,
    targets,
    ask: (arrivalUs) => askAgain(client, request, arrivalUs, startUs + options.maxWaitUs),
  };
  if (!reserved) client.room.announce(call);
  try {
    let reply = await (signal === undefined ? client.ask(request) : askUnlessAborted(client, request, signal));
    const receivedUs = client.clock.nowUs();
    if (reply.status === "queued") {
      options.queued();
      const deadlineUs = startUs + options.maxWaitUs;
      reply = await queue(client, request, client.room.wait(call, reply), { signal, deadlineUs }) ?? reply;
    } else if (reply.status === "allowed" && reply.waitUs > 0 && !options.reserveOnly) {
      await client.seats.wait({
        line: nameOf(targets),
        cost: targets.map((target) => target.cost).join(),
        reply,
        receivedUs,
        signal,
        giveBack: (unused) => undo(client, request, unused).catch(() => {}),
      });
    }
    return { reply, id: request.id, waitedMs: (client.clock.nowUs() - startUs) / 1_000 };
  } finally {
    client.room.forget(request.id);
  }
}

/** What a take left behind in each rate, for giving it back. */
export function marksOf(reply: TakeReply): Mark[][] {
  const atUs = reply.nowUs + reply.waitUs;
  return reply.levels.map(({ rates }) => rates.map((level) => ({ nowUs: reply.nowUs, atUs, level })));
}

/** A caller who gives up while the store decides does not wait for it; what it grants is given back when it is known. */
async function askUnlessAborted(client: StoreClient, request: TakeRequest, signal: AbortSignal): Promise<TakeReply> {
  const asked = client.ask(request);
  try {
    return await orAbort(asked, signal);
  } catch (error) {
    if (signal.aborted) asked.then((reply) => undo(client, request, reply)).catch(() => {});
    throw error;
  }
}

/** Waits to be served, until the deadline or the caller gives up. */
async function queue(
  client: StoreClient,
  request: TakeRequest,
  served: Promise<TakeReply>,
  { signal, deadlineUs }: { signal: AbortSignal | undefined; deadlineUs: number },
): Promise<TakeReply | undefined> {
  let granted: TakeReply | undefined;
  let cleanUp = () => {};
  try {
    const outcome = await new Promise<TakeReply | undefined>((resolve, reject) => {
      const abort = () => reject(signal?.reason);
      served.then((reply) => resolve(granted = reply), reject);
      if (signal?.aborted) return abort();
      signal?.addEventListener("abort", abort, { once: true });
      const timer = Number.isFinite(deadlineUs)
        ? client.clock.schedule(deadlineUs, () => resolve(undefined))
        : undefined;
      cleanUp = () => {
        timer?.cancel();
        signal?.removeEventListener("abort", abort);
      };
    });
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

async function leave(client: StoreClient, targets: readonly Target[], id: string): Promise<void> {
  await client.ask({ op: "release", id, targets: targets.filter((target) => target.slots > 0) });
}

function askAgain(
  client: StoreClient,
  request: TakeRequest,
  arrivalUs: number,
  deadlineUs: number,
): Promise<TakeReply> {
  const [target, ...more] = request.targets;
  if (more.length === 0) return client.ask({ op: "poll", id: request.id, arrivalUs, targets: [target as Target] });
  return client.ask({ ...request, arrivalUs, maxWaitUs: Math.max(deadlineUs - client.clock.nowUs(), 0) });
}

/** Gives back what a reply granted to a caller who is no longer there. */
async function undo(client: StoreClient, { targets, id }: TakeRequest, reply: TakeReply): Promise<void> {
  if (reply.status !== "allowed" && reply.status !== "queued") return;
  if (targets.some((target) => target.slots > 0)) await leave(client, targets, id);
  if (reply.status === "allowed") await client.ask({ op: "giveBack", targets, marks: marksOf(reply) });
}

function newRequest(
  client: StoreClient,
  targets: readonly Target[],
  mode: TakeRequest["mode"],
  maxWaitUs: number,
): TakeRequest {
  const [first] = targets;
  const id = waiterId({
    instance: client.room.instance,
    sequence: client.nextSequence(),
    direct: targets.length === 1,
    maxWaitUs,
    slots: Math.max(...targets.map((target) => target.slots)),
    cost: first?.cost ?? 0,
  });
  return { op: "take", targets, mode, maxWaitUs, id, arrivalUs: 0 };
}

function nameOf(targets: readonly Target[]): string {
  return JSON.stringify(targets.map(({ limiter, key }) => [limiter, key]));
}
