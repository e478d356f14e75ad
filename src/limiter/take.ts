/**
 * Taking: at once, or after a fair wait. The journey of a decision, from the caller to the store and back.
 *
 * @module
 */

import { orAbort } from "../base/abort.ts";
import { steadyUs } from "../base/clock.ts";
import type { TakeReply, TakeRequest, Target } from "../stores/store.ts";
import type { Conclusion } from "./resilience/guarded_call.ts";
import type { StoreSession } from "./store_session.ts";
import type { Taken, TakeOptions } from "./take_options.ts";
import { askAgain, queue, takeSlot } from "./take_permits.ts";
import { undo, undoQuietly } from "./undo.ts";
import type { QueuedCall } from "./waiting/permit_queue.ts";

/**
 * Takes for the earliest possible instant and waits for it. A denial comes back at once, as soon as it is known that
 * the wait would be too long. A caller who gives up gets the signal's reason, and his place is given back.
 */
export function takeInTurn(client: StoreSession, options: TakeOptions): Taken | Promise<Taken> {
  const startUs = steadyUs(client.clock);
  const known = options.reserveOnly || options.targets.length > 1 ? undefined : foresee(client, options);
  if (!(known instanceof Promise)) return takeKnowing(client, options, startUs, known);
  return known.then((reply) => takeKnowing(client, options, startUs, reply));
}

/** Asks the store, unless what is known already says it. */
function takeKnowing(
  client: StoreSession,
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

function newTaken(client: StoreSession, reply: TakeReply, id: string, startUs: number, wasQueued = false): Taken {
  return { reply, id, waitedMs: (steadyUs(client.clock) - startUs) / 1_000, wasQueued };
}

/** A call that could wait, but for those who wait already, was asked about for one moment: the queue denies it. */
function orQueueFull({ mode, maxWaitUs }: TakeRequest, reply: TakeReply, options: TakeOptions): TakeReply {
  const wanted = mode === "now" && options.maxWaitUs > 0 && reply.status !== "allowed";
  return wanted && reply.waitUs <= maxWaitUs ? queueFull(reply) : reply;
}

/** What this process can decide by itself. */
function foresee(
  client: StoreSession,
  { targets, maxWaitUs, signal }: TakeOptions,
): TakeReply | Promise<TakeReply> | undefined {
  const known = client.shortcuts?.decide(targets[0] as Target, "wait", maxWaitUs, signal);
  return known instanceof Promise ? orAbort(client.health?.within(known, targets) ?? known, signal) : known;
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
  client: StoreSession,
  request: TakeRequest,
  options: TakeOptions,
  startUs: number,
): Taken | Promise<Taken> {
  const { health } = client;
  const { signal } = options;
  const seating = new Seating(options, startUs);
  if (health !== undefined && signal === undefined) return health.decide(client, request, seating);
  const askedUs = client.clock.nowUs();
  const reply = health?.take(client, request, signal) ?? client.store.execute(request, signal);
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

  reply(client: StoreSession, request: TakeRequest, reply: TakeReply, askedUs: number): Taken | Promise<Taken> {
    client.shortcuts?.remember(request, reply, askedUs);
    const { status, waitUs } = reply;
    const isOver = status === "allowed" ? waitUs === 0 || this.#options.reserveOnly : status !== "queued";
    if (isOver) return newTaken(client, orQueueFull(request, reply, this.#options), "", this.#startUs);
    if (this.#options.reserveOnly || !client.waits.isFull(request.targets)) return this.#wait(client, request, reply);
    // Others have begun to wait while the store was asked.
    client.undoTogether(request, reply);
    return newTaken(client, queueFull(reply), "", this.#startUs);
  }

  failure(_client: StoreSession, error: unknown): never {
    throw error;
  }

  /** The instant holds no longer: takes anew, within the time that is left. */
  #askAgain(client: StoreSession, { targets }: TakeRequest): Taken | Promise<Taken> {
    const maxWaitUs = Math.max(this.#options.maxWaitUs - (steadyUs(client.clock) - this.#startUs), 0);
    const again = client.request(client.currentAll(targets), maxWaitUs > 0 ? "wait" : "now", maxWaitUs);
    return takeSeat(client, again, { ...this.#options, maxWaitUs }, this.#startUs);
  }

  async #wait(client: StoreSession, request: TakeRequest, reply: TakeReply): Promise<Taken> {
    const left = client.waits.add(request.targets);
    try {
      return await this.#waitCounted(client, request, reply);
    } finally {
      left();
    }
  }

  async #waitCounted(client: StoreSession, request: TakeRequest, reply: TakeReply): Promise<Taken> {
    if (reply.status === "queued") {
      const last = await askUntilDue(client, request, this.#options, reply, this.#startUs);
      return newTaken(client, last, "", this.#startUs);
    }
    const { targets } = request;
    client.hear(reply.waitUs);
    client.adoptLate(targets);
    const outcome = await client.turns.wait({
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
  client: StoreSession,
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
  client.room.announce(id, request.targets[0] as Target);
  try {
    return await queue(client, request, client.room.wait(call, first), { signal, deadlineUs }) ?? denial;
  } finally {
    client.room.forget(id);
  }
}
