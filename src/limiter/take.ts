/**
 * Taking: at once, or after a fair wait. The journey of a decision, from the caller to the store and back.
 *
 * @module
 */

import { onAbort, orAbort } from "../base/abort.ts";
import { steadyUs } from "../base/clock.ts";
import { keepAlive } from "../base/deadline.ts";
import { ClosedError } from "../base/errors.ts";
import { shortKey } from "../base/short_key.ts";
import { correctedName } from "../stores/correction.ts";
import { marksOf, type TakeReply, type TakeRequest, type Target } from "../stores/store.ts";
import { isClosed, isOutage, isStoreError } from "./failure.ts";
import type { Conclusion } from "./guarded_call.ts";
import type { StoreClient } from "./store_client.ts";
import type { QueuedCall } from "./waiting_room.ts";

/** What became of a take, after all waiting. */
export interface Taken {
  /** The last reply: allowed, or the denial. */
  readonly reply: TakeReply;
  /** The id of the leases that are held, if slots were taken; else empty. */
  readonly id: string;
  /** How long the caller waited, in milliseconds, beside the calls themselves. */
  readonly waitedMs: number;
  /** Whether the call queued for a permit. */
  readonly wasQueued: boolean;
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
  /** Told when the call found every permit taken and queues. */
  queued(): void;
}

/**
 * Takes for the earliest possible instant and waits for it. A denial comes back at once, as soon as it is known that
 * the wait would be too long. A caller who gives up gets the signal's reason, and his place is given back.
 */
export function takeInTurn(client: StoreClient, options: TakeOptions): Taken | Promise<Taken> {
  const startUs = steadyUs(client.clock);
  const known = options.reserveOnly || options.targets.length > 1 ? undefined : foresee(client, options);
  if (!(known instanceof Promise)) return takeKnowing(client, options, startUs, known);
  return known.then((reply) => takeKnowing(client, options, startUs, reply));
}

/** Asks the store, unless what is known already says it. */
function takeKnowing(
  client: StoreClient,
  options: TakeOptions,
  startUs: number,
  known: TakeReply | undefined,
): Taken | Promise<Taken> {
  const { targets, maxWaitUs } = options;
  if (known !== undefined && isFinal(known, maxWaitUs)) return newTaken(client, known, "", startUs);
  const mayWait = maxWaitUs > 0 && (options.reserveOnly || !client.waits.isFull(targets));
  const request = client.request(targets, mayWait ? "wait" : "now", maxWaitUs);
  if (request.id === "") return takeSeat(client, request, options, startUs);
  let wasQueued = false;
  const queued = () => {
    wasQueued = true;
    options.queued();
  };
  return takeSlot(client, request, { ...options, queued }, startUs).then((reply) => {
    return newTaken(client, orQueueFull(request, reply, options), request.id, startUs, wasQueued);
  });
}

function newTaken(client: StoreClient, reply: TakeReply, id: string, startUs: number, wasQueued = false): Taken {
  return { reply, id, waitedMs: (steadyUs(client.clock) - startUs) / 1_000, wasQueued };
}

/** A call that could wait, but for those who wait already, was asked about for one moment: the queue denies it. */
function orQueueFull({ mode, maxWaitUs }: TakeRequest, reply: TakeReply, options: TakeOptions): TakeReply {
  const wanted = mode === "now" && options.maxWaitUs > 0 && reply.status !== "allowed";
  return wanted && reply.waitUs <= maxWaitUs ? queueFull(reply) : reply;
}

/** What this process can decide by itself. */
function foresee(
  client: StoreClient,
  { targets, maxWaitUs, signal }: TakeOptions,
): TakeReply | Promise<TakeReply> | undefined {
  const known = client.foresight?.decide(targets[0] as Target, "wait", maxWaitUs, signal);
  return known instanceof Promise ? orAbort(client.guard?.within(known, targets) ?? known, signal) : known;
}

/** Whether nothing more can come of a reply. Whoever may wait takes a place in the store's line. */
function isFinal({ status, waitUs }: TakeReply, maxWaitUs: number): boolean {
  return status === "allowed" || waitUs > maxWaitUs;
}

/** What a reply would be if the queue were full. Replies may make their levels when asked: there is nothing to spread. */
function queueFull({ nowUs, waitUs, arrivalUs, levels }: TakeReply): TakeReply {
  return { status: "queue_full", nowUs, waitUs, arrivalUs, levels };
}

/** Takes rates alone: the store assigns an instant, and the caller waits for it. */
function takeSeat(
  client: StoreClient,
  request: TakeRequest,
  options: TakeOptions,
  startUs: number,
): Taken | Promise<Taken> {
  const { guard } = client;
  const { signal } = options;
  const seating = new Seating(options, startUs);
  if (guard !== undefined && signal === undefined) return guard.decide(client, request, seating);
  const askedUs = client.clock.nowUs();
  const reply = guard?.take(client, request, signal) ?? client.store.execute(request, signal);
  if (!(reply instanceof Promise)) return seating.reply(client, request, reply, askedUs);
  // A caller who gives up while the store decides does not wait for it; what it grants is given back when it is known.
  const heard = signal === undefined ? reply : orAbort(reply, signal, (late) => undoQuietly(client, request, late));
  return heard.then((inTime) => seating.reply(client, request, inTime, askedUs));
}

/** What becomes of the store's answer to somebody who takes rates. */
class Seating implements Conclusion<Taken> {
  readonly #options: TakeOptions;
  readonly #startUs: number;

  constructor(options: TakeOptions, startUs: number) {
    this.#options = options;
    this.#startUs = startUs;
  }

  reply(client: StoreClient, request: TakeRequest, reply: TakeReply, askedUs: number): Taken | Promise<Taken> {
    client.foresight?.remember(request, reply, askedUs);
    const { status, waitUs } = reply;
    const isOver = status === "allowed" ? waitUs === 0 || this.#options.reserveOnly : status !== "queued";
    if (isOver) return newTaken(client, orQueueFull(request, reply, this.#options), "", this.#startUs);
    if (this.#options.reserveOnly || !client.waits.isFull(request.targets)) return this.#wait(client, request, reply);
    // Others have begun to wait while the store was asked.
    client.undoTogether(request, reply);
    return newTaken(client, queueFull(reply), "", this.#startUs);
  }

  failure(_client: StoreClient, error: unknown): never {
    throw error;
  }

  /** The instant holds no longer: takes anew, within the time that is left. */
  #askAgain(client: StoreClient, { targets }: TakeRequest): Taken | Promise<Taken> {
    const maxWaitUs = Math.max(this.#options.maxWaitUs - (steadyUs(client.clock) - this.#startUs), 0);
    const again = client.request(targets, maxWaitUs > 0 ? "wait" : "now", maxWaitUs);
    return takeSeat(client, again, { ...this.#options, maxWaitUs }, this.#startUs);
  }

  async #wait(client: StoreClient, request: TakeRequest, reply: TakeReply): Promise<Taken> {
    const left = client.waits.add(request.targets);
    try {
      return await this.#waitCounted(client, request, reply);
    } finally {
      left();
    }
  }

  async #waitCounted(client: StoreClient, request: TakeRequest, reply: TakeReply): Promise<Taken> {
    if (reply.status === "queued") {
      const last = await askUntilDue(client, request, this.#options, reply, this.#startUs);
      return newTaken(client, last, "", this.#startUs);
    }
    const { targets } = request;
    client.hear(reply.waitUs);
    const outcome = await client.seats.wait({
      targets,
      reply,
      // A store in this process has the clock of this process.
      receivedUs: client.store.isLocal ? reply.nowUs : client.clock.nowUs(),
      signal: this.#options.signal,
      giveBack: (unused, forgotten) => undo(client, request, unused, forgotten).catch(() => {}),
    });
    return outcome === "due" ? newTaken(client, reply, "", this.#startUs) : await this.#askAgain(client, request);
  }
}

/** Asks again and again, where the store has no line for a take from several targets. */
async function askUntilDue(
  client: StoreClient,
  request: TakeRequest,
  { signal, maxWaitUs, reserveOnly }: TakeOptions,
  first: TakeReply,
  startUs: number,
): Promise<TakeReply> {
  const denial: TakeReply = { ...first, status: "rate" };
  if (reserveOnly) return denial;
  const deadlineUs = startUs + maxWaitUs;
  const id = `again.${client.nextSequence()}`;
  const call: QueuedCall = {
    id,
    line: id,
    targets: request.targets,
    ask: (arrivalUs) => askAgain(client, request, arrivalUs, deadlineUs),
    late: (reply) => undoQuietly(client, request, reply),
  };
  client.room.announce(call);
  try {
    return await queue(client, request, client.room.wait(call, first), { signal, deadlineUs }) ?? denial;
  } finally {
    client.room.forget(id);
  }
}

/** Takes slots, and rates with them: the store hands them over when it is the caller's turn. */
async function takeSlot(
  client: StoreClient,
  request: TakeRequest,
  options: TakeOptions,
  startUs: number,
): Promise<TakeReply> {
  const { targets, id, maxWaitUs } = request;
  const { signal } = options;
  const deadlineUs = startUs + maxWaitUs;
  let isOver = false;
  /** Sent only for somebody who is still there. */
  const first = async (): Promise<TakeReply> => {
    if (maxWaitUs > 0) await client.listen();
    if (isOver) throw new ClosedError("a call that is over");
    try {
      return await client.ask(request, signal);
    } catch (error) {
      // A request without an answer may have been queued or granted all the same, and its caller has gone.
      if (isStoreError(error) && isOutage(error) && error.code !== "STORE_REFUSED") {
        leave(client, targets, id).catch(() => {});
      }
      throw error;
    }
  };
  const call: QueuedCall = {
    id,
    line: targets.length === 1 ? nameOf(targets) : id,
    targets,
    ask: (arrivalUs) => askAgain(client, request, arrivalUs, deadlineUs),
    // Of one target, leaving comes after the question, and ends what that granted.
    ...(targets.length === 1 ? {} : { late: (reply) => undoQuietly(client, request, reply) }),
  };
  client.room.announce(call);
  const left = client.waits.add(targets.filter((target) => target.slots === 0));
  try {
    const refusal = client.guard?.refusal();
    if (refusal !== undefined) throw refusal;
    const unused = (late: TakeReply) => undoQuietly(client, request, late);
    const asked = client.guard?.within(first(), targets, unused) ?? first();
    const reply = await orAbort(asked, signal, unused);
    if (reply.status !== "queued") return reply;
    if (reply.levels.some(({ slots }, i) => slots !== undefined && isTaken(targets[i] as Target, slots.used))) {
      options.queued();
    }
    return await queue(client, request, client.room.wait(call, reply), { signal, deadlineUs }) ?? reply;
  } finally {
    isOver = true;
    left();
    client.room.forget(id);
  }
}

/** Waits to be served, also while the store is away, until the deadline or the caller gives up. */
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
      served.then((reply) => resolve(granted = reply), reject);
      if (signal?.aborted) return reject(signal.reason);
      const stay = onAbort(signal, () => reject(signal?.reason));
      // A call that waits keeps the process alive: by its deadline, or without one while another process may serve it.
      const timer = Number.isFinite(deadlineUs)
        ? client.clock.schedule(client.clock.nowUs() + deadlineUs - steadyUs(client.clock), () => resolve(undefined))
        : client.guard && keepAlive();
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

async function leave(client: StoreClient, targets: readonly Target[], id: string): Promise<void> {
  const holders = targets.filter((target) => target.slots > 0).map((target) => client.current(target));
  if (holders.length === 0) return;
  try {
    await client.ask({ op: "release", id, targets: holders });
  } catch (error) {
    client.room.lost(id, targets);
    throw error;
  }
}

function askAgain(
  client: StoreClient,
  request: TakeRequest,
  arrivalUs: number,
  deadlineUs: number,
): Promise<TakeReply> {
  const [target, ...more] = request.targets.map((each) => client.current(each)) as [Target, ...Target[]];
  if (more.length === 0) return client.ask({ op: "poll", id: request.id, arrivalUs, targets: [target] });
  const maxWaitUs = Math.max(deadlineUs - steadyUs(client.clock), 0);
  return client.ask({ ...request, targets: [target, ...more], arrivalUs, maxWaitUs });
}

/** Gives back what a reply granted to a caller who is no longer there, as far as the store hears of it. */
export function undoQuietly(client: StoreClient, request: TakeRequest, reply: TakeReply): void {
  undo(client, request, reply).catch(() => {});
}

/**
 * Gives back what a reply granted to a caller who is no longer there, but from a key that was forgotten since. What is
 * undone in one turn goes to the store in that order.
 */
async function undo(client: StoreClient, request: TakeRequest, reply: TakeReply, forgotten?: string): Promise<void> {
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

function nameOf(targets: readonly Target[]): string {
  return JSON.stringify(targets.map(({ limiter, key }) => [limiter, shortKey(key)]));
}
