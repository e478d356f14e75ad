/**
 * Asks limiters on behalf of callers: what `acquire` and its kin have in common, over one limiter or several.
 *
 * @module
 */

import { StoreError } from "../base/errors.ts";
import { Decision, RateLimitedError } from "../policy/decision.ts";
import type { DoneReply, StoreRequest, TakeReply, TakeRequest } from "../stores/store.ts";
import { ReplyFacts, storelessFacts } from "./decide.ts";
import { isClosed, isStoreError, strictest } from "./failure.ts";
import type { Conclusion } from "./guarded_call.ts";
import { count, newPermit } from "./outcome.ts";
import { localParties, type Party } from "./party.ts";
import type { Permit } from "./permit.ts";
import type { StoreClient } from "./store_client.ts";
import { TryDecision } from "./try_decision.ts";

/** Where a call goes. */
export interface Route {
  /** The configured store, if it is open. */
  readonly current: StoreClient | undefined;
  /** The configured store; opened if it is not. */
  client(): Promise<StoreClient>;
  /** The store of this process, if it is open. */
  currentFallback(): StoreClient | undefined;
  /** The store of this process, for when the configured one cannot decide; opened if it is not. */
  fallback(): Promise<StoreClient>;
  /** The present, in milliseconds since the Unix epoch. */
  nowMs(): number;
}

/** How to wait. */
export interface Patience {
  /** The longest acceptable wait, in microseconds. */
  readonly maxWaitUs: number;
  /** Gives up. */
  readonly signal: AbortSignal | undefined;
  /** Takes for a later instant, but does not wait for it. */
  readonly reserveOnly?: boolean;
}

/** What patience was granted, with everything that belongs to it. */
export interface Granted {
  /** The permit. */
  readonly permit: Permit;
  /** The reply behind it, and the store that gave it; undefined where no store decided. */
  readonly source: { readonly client: StoreClient; readonly reply: TakeReply } | undefined;
}

/** Decides now. At once where the store is in this process or need not be asked. */
export function decideNow(parties: readonly Party[], route: Route): TryDecision | Promise<TryDecision> {
  return ask(new NowQuestion(parties, route));
}

/** Tells what `decideNow` would. Counts and takes nothing. */
export function peek(parties: readonly Party[], route: Route): Decision | Promise<Decision> {
  return ask(new PeekQuestion(parties, route));
}

/**
 * Takes as soon as it is possible, within the caller's patience.
 *
 * @throws {RateLimitedError} If that is not within it: as soon as it is known.
 */
export async function decideInTurn(parties: readonly Party[], route: Route, how: Patience): Promise<Granted> {
  const startMs = route.nowMs();
  const client = route.current ?? await route.client();
  try {
    return await takeAt(client, parties, how, false);
  } catch (error) {
    const left = { ...how, maxWaitUs: Math.max(how.maxWaitUs - Math.ceil((route.nowMs() - startMs) * 1_000), 0) };
    // Another store may have taken the place of this one.
    if (isClosed(error) && await route.client() !== client) return await decideInTurn(parties, route, left);
    if (!isStoreError(error)) throw error;
    const policy = failed(parties, error);
    const local = policy === "local" ? localParties(parties) : undefined;
    if (local !== undefined) return await takeAt(await route.fallback(), local, left, true);
    const decision = new Decision(storelessFacts(parties, policy === "allow"));
    count(parties, decision, 0, route.nowMs(), true);
    if (!decision.allowed) throw new RateLimitedError(decision);
    return { permit: newPermit(parties, decision, 0), source: undefined };
  }
}

/** Corrects the state of a limiter. */
export async function correct(route: Route, request: StoreRequest): Promise<DoneReply> {
  const client = await route.client();
  return await client.ask(request) as DoneReply;
}

/** A question for one moment: how to ask it, and what becomes of the answer. */
abstract class Question<Answer> implements Conclusion<Answer> {
  readonly parties: readonly Party[];
  readonly route: Route;
  abstract readonly mode: "now" | "peek";

  constructor(parties: readonly Party[], route: Route) {
    this.parties = parties;
    this.route = route;
  }

  /** Makes the answer from a store's reply. `nowUs` is the time by this process' clock, if it is known. */
  abstract conclude(client: StoreClient, reply: TakeReply, id: string, degraded: boolean, nowUs?: number): Answer;
  /** Makes the answer where no store decided. */
  abstract storeless(allowed: boolean, nowMs: number): Answer;
  /** The same question over other limits. */
  abstract over(parties: readonly Party[]): Question<Answer>;

  reply(client: StoreClient, request: TakeRequest, reply: TakeReply, askedUs: number): Answer {
    client.foresight?.remember(request, reply, askedUs);
    return this.conclude(client, reply, request.id, false);
  }

  failure(client: StoreClient, error: unknown): Answer | Promise<Answer> {
    return recover(this, client, error);
  }
}

class NowQuestion extends Question<TryDecision> {
  get mode(): "now" {
    return "now";
  }

  conclude(client: StoreClient, reply: TakeReply, id: string, degraded: boolean, nowUs?: number): TryDecision {
    const decision = new TryDecision(new ReplyFacts(this.parties, reply, degraded));
    const nowMs = decision.allowed ? (nowUs ?? client.clock.nowUs()) / 1_000 : 0;
    if (id !== "" && decision.allowed) decision.grant(newPermit(this.parties, decision, 0, { client, reply, id }));
    count(this.parties, decision, 0, nowMs, false);
    return decision;
  }

  storeless(allowed: boolean, nowMs: number): TryDecision {
    const decision = new TryDecision(storelessFacts(this.parties, allowed));
    count(this.parties, decision, 0, nowMs, false);
    return decision;
  }

  over(parties: readonly Party[]): NowQuestion {
    return new NowQuestion(parties, this.route);
  }
}

class PeekQuestion extends Question<Decision> {
  get mode(): "peek" {
    return "peek";
  }

  conclude(_client: StoreClient, reply: TakeReply, _id: string, degraded: boolean): Decision {
    return new Decision(new ReplyFacts(this.parties, reply, degraded));
  }

  storeless(allowed: boolean): Decision {
    return new Decision(storelessFacts(this.parties, allowed));
  }

  over(parties: readonly Party[]): PeekQuestion {
    return new PeekQuestion(parties, this.route);
  }
}

function ask<Answer>(question: Question<Answer>): Answer | Promise<Answer> {
  const { parties, route } = question;
  const client = route.current;
  if (client === undefined) return route.client().then((opened) => askAt(question, opened));
  const known = parties.length === 1 ? client.foresight?.decide(parties[0] as Party, question.mode, 0) : undefined;
  if (known === undefined) return askAt(question, client);
  if (!(known instanceof Promise)) return question.conclude(client, known, "", false, known.nowUs);
  return (client.guard?.within(known, question.parties) ?? known).then(
    (reply) => question.conclude(client, reply, "", false),
    (error) => recover(question, client, error),
  );
}

function askAt<Answer>(question: Question<Answer>, client: StoreClient): Answer | Promise<Answer> {
  const { guard } = client;
  const request = client.request(question.parties, question.mode, 0);
  if (guard === undefined) return askHere(question, client, request);
  return guard.decide(client, request, question);
}

/** Asks a store that is in this process. */
function askHere<Answer>(
  question: Question<Answer>,
  client: StoreClient,
  request: TakeRequest,
  degraded = false,
): Answer | Promise<Answer> {
  let reply: TakeReply | Promise<TakeReply>;
  try {
    reply = client.store.execute(request);
  } catch (error) {
    return recover(question, client, error);
  }
  // A store in this process has the clock of this process.
  if (!(reply instanceof Promise)) return question.conclude(client, reply, request.id, degraded, reply.nowUs);
  return reply.then(
    (later) => question.conclude(client, later, request.id, degraded),
    (error) => recover(question, client, error),
  );
}

/** What is answered where the store could not: another store, or the failure policy. */
function recover<Answer>(
  question: Question<Answer>,
  client: StoreClient,
  error: unknown,
): Answer | Promise<Answer> {
  const { parties, route } = question;
  if (isClosed(error)) return askAnother(question, client, error);
  if (!isStoreError(error)) throw error;
  const policy = failed(parties, error);
  const local = policy === "local" ? localParties(parties) : undefined;
  if (local === undefined) return question.storeless(policy === "allow", route.nowMs());
  const current = route.currentFallback();
  if (current !== undefined) return askFallback(question.over(local), current);
  return route.fallback().then((fallback) => askFallback(question.over(local), fallback));
}

/** Another store may have taken the place of one that was closed. */
async function askAnother<Answer>(question: Question<Answer>, closed: StoreClient, error: unknown): Promise<Answer> {
  if (await question.route.client() === closed) throw error;
  return await ask(question);
}

function askFallback<Answer>(question: Question<Answer>, fallback: StoreClient): Answer | Promise<Answer> {
  return askHere(question, fallback, fallback.request(question.parties, question.mode, 0), true);
}

/** Tells everybody of a failure, and what to do about it. */
function failed(parties: readonly Party[], error: StoreError): "local" | "allow" | "deny" {
  for (const { metrics, events, limiter } of parties) {
    metrics.storeFailed();
    if (events.any) events.emit({ type: "store_error", limiter, error });
  }
  const policy = strictest(parties);
  // The error may be one for many callers: each gets a stack trace of his own.
  if (policy === "throw") throw new StoreError(error.code, error.message, { cause: error, reason: error.reason });
  return policy;
}

async function takeAt(
  client: StoreClient,
  parties: readonly Party[],
  how: Patience,
  degraded: boolean,
): Promise<Granted> {
  const queued = () => parties.forEach((party) => party.metrics.queued());
  let taken;
  try {
    taken = await client.take({ targets: parties, ...how, queued });
  } catch (error) {
    if (how.signal?.aborted) parties.forEach((party) => party.metrics.aborted());
    throw error;
  }
  const { reply, id, waitedMs } = taken;
  const decision = new Decision(new ReplyFacts(parties, reply, degraded));
  count(parties, decision, waitedMs, client.clock.nowUs() / 1_000, true);
  if (!decision.allowed) throw new RateLimitedError(decision);
  return { permit: newPermit(parties, decision, waitedMs, { client, reply, id }), source: { client, reply } };
}
