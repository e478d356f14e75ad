/**
 * Asks limiters on behalf of callers: what `acquire` and its kin have in common, over one limiter or several.
 *
 * @module
 */

import { type Clock, steadyUs } from "../base/clock.ts";
import type { NamedPolicy } from "../policy/policy.ts";
import type { TakeReply, TakeRequest } from "../stores/store.ts";
import { decisionOf } from "./result/decide.ts";
import { Decision, RateLimitedError } from "./result/decision.ts";
import { isClosed, isStoreError } from "./resilience/failure.ts";
import type { Conclusion } from "./resilience/guarded_call.ts";
import { count, type Counted, countFor, newPermit } from "./result/outcome.ts";
import { localParties, type Party } from "./party.ts";
import { type Permit, RatePermit } from "./result/permit.ts";
import type { StoreSession } from "./store_session.ts";
import type { Taken } from "./take_options.ts";

/** Where a call goes. */
export interface Route {
  /** The configured store, if it is open. No getter: objects that have one of their own are slow to read. */
  current(): StoreSession | undefined;
  /** The configured store; opened if it is not. */
  client(): Promise<StoreSession>;
  /** The store of this process, if it is open. */
  currentFallback(): StoreSession | undefined;
  /** The store of this process, for when the configured one cannot decide; opened if it is not. */
  fallback(): Promise<StoreSession>;
  /** How many functions of `run` are under way in the instance, and who wants to know when the last one has ended. */
  readonly runs: { count: number; onNone: (() => void) | undefined };
  /** Where time comes from. */
  readonly clock: Clock;
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
  readonly source: { readonly client: StoreSession; readonly reply: TakeReply } | undefined;
}

/** A limiter that is asked by itself. */
export interface LoneLimiter extends Counted {
  /** The same, as what a store is asked about. */
  readonly named: readonly [NamedPolicy];
}

/** What the last take left behind, where its store wrote that. */
const LEFT = { nowUs: 0, first: 0, second: 0 };

/** A decision that is made at once, if the store can; else undefined. */
function takeAtOnce(
  { named }: LoneLimiter,
  route: Route,
  key: string | undefined,
  cost: number,
  grants: boolean,
): Decision | undefined {
  const client = route.current();
  if (client === undefined || client.health !== undefined) return undefined;
  const lone = named[0];
  const reply = client.store.takeAtOnce?.(lone, key, cost, LEFT);
  if (reply === undefined) return undefined;
  if (reply === true) {
    return new Decision(lone.limiter, key, cost, named, undefined, grants, false, LEFT.first, LEFT.second);
  }
  LEFT.nowUs = reply.nowUs;
  return new Decision(lone.limiter, key, cost, named, reply, grants);
}

/** The decision on one key of one limiter, counted, where the store is in this process and needs no more than that. */
export function decisionAtOnce(
  limiter: LoneLimiter,
  route: Route,
  key: string | undefined,
  cost: number,
): Decision | undefined {
  const decision = takeAtOnce(limiter, route, key, cost, true);
  if (decision !== undefined) countFor(limiter, decision, 0, LEFT.nowUs, false);
  return decision;
}

/** As `decisionAtOnce`, as a promise; undefined where the store needs more than that. */
export function decideAtOnce(
  limiter: LoneLimiter,
  route: Route,
  key: string | undefined,
  cost: number,
): Promise<Decision> | undefined {
  const decision = decisionAtOnce(limiter, route, key, cost);
  if (decision === undefined) return undefined;
  // Here, where it was made and read: compilers know that it is no promise, and need not look for a `then`.
  return Promise.resolve(decision);
}

/** As `decideAtOnce` for a call that may wait, if it need not; else undefined. Nothing is taken or counted then. */
export function acquireAtOnce(
  limiter: LoneLimiter,
  route: Route,
  key: string | undefined,
  cost: number,
): Promise<Permit> | undefined {
  const decision = takeAtOnce(limiter, route, key, cost, false);
  if (!decision?.allowed) return undefined;
  const permit = new RatePermit(decision, 0);
  countFor(limiter, permit.decision, permit.waitedMs, LEFT.nowUs, true);
  return Promise.resolve(permit);
}

/**
 * As `acquireAtOnce` for a limiter with permits: takes them if the store is in this process, enough are free, and its
 * queue is empty. Returns the decision, from which the caller takes the permit, if `grants`; else the permit itself.
 */
export function permitAtOnce(parties: readonly Party[], route: Route, grants: true): Promise<Decision> | undefined;
export function permitAtOnce(parties: readonly Party[], route: Route, grants: false): Promise<Permit> | undefined;
export function permitAtOnce(
  parties: readonly Party[],
  route: Route,
  grants: boolean,
): Promise<Decision | Permit> | undefined {
  const client = route.current();
  if (client?.store.takePermitsAtOnce === undefined || client.health !== undefined) return undefined;
  const party = parties[0] as Party;
  const reply = client.store.takePermitsAtOnce(party);
  if (reply === undefined) return undefined;
  const { limiter, key, cost, metrics, events } = party;
  if (!grants && !events.any) {
    const permit = client.hold(parties, undefined, 0, reply, reply); // few callers ask a permit for its decision
    metrics.acquired(permit.waitedMs, reply.nowUs);
    return Promise.resolve(permit);
  }
  const decision = new Decision(limiter, key, cost, parties, reply, grants);
  const permit = client.hold(parties, decision, 0, reply, reply);
  if (grants) decision.grant(permit);
  countFor(party, decision, 0, reply.nowUs, !grants);
  return Promise.resolve(grants ? decision : permit);
}

/** Decides now. At once where the store is in this process or need not be asked. */
export function decideNow(parties: readonly Party[], route: Route): Decision | Promise<Decision> {
  return ask(NOW, parties, route);
}

/** Tells what `decideNow` would. Counts and takes nothing. */
export function peek(parties: readonly Party[], route: Route): Decision | Promise<Decision> {
  return ask(PEEK, parties, route);
}

/**
 * Takes as soon as it is possible, within the caller's patience.
 *
 * @throws {RateLimitedError} If that is not within it: as soon as it is known.
 */
export async function decideInTurn(parties: readonly Party[], route: Route, how: Patience): Promise<Granted> {
  const startUs = steadyUs(route.clock);
  const client = route.current() ?? await route.client();
  try {
    return granted(client, parties, await takeAt(client, parties, how), false);
  } catch (error) {
    return await decideElsewhere(parties, route, how, startUs, client, error);
  }
}

/** What becomes of a call that its store could not decide: another store, or the failure policy. */
async function decideElsewhere(
  parties: readonly Party[],
  route: Route,
  how: Patience,
  startUs: number,
  client: StoreSession,
  error: unknown,
): Promise<Granted> {
  const left = { ...how, maxWaitUs: Math.max(how.maxWaitUs - steadyUs(route.clock) + startUs, 0) };
  // Another store may have taken the place of this one.
  if (isClosed(error) && await route.client() !== client) return await decideInTurn(parties, route, left);
  if (!isStoreError(error)) throw error;
  const policy = client.verbs.failurePolicy(parties, error);
  const local = policy === "local" ? localParties(parties) : undefined;
  if (local !== undefined) {
    const fallback = await route.fallback();
    return granted(fallback, local, await takeAt(fallback, local, left), true);
  }
  const decision = client.verbs.storelessDecision(parties, policy === "allow", false);
  count(parties, decision, 0, route.clock.nowUs(), true);
  if (!decision.allowed) throw new RateLimitedError(decision);
  return { permit: newPermit(parties, decision, 0), source: undefined };
}

/**
 * As `decideInTurn` for permits of one limiter, without a signal, where the call can be sent at once: with no more than
 * it takes while some are free. Else undefined.
 */
export function permitSoon(
  parties: readonly Party[],
  route: Route,
  how: Patience,
): Permit | Promise<Permit> | undefined {
  const client = route.current();
  if (client?.health === undefined || how.signal !== undefined) return undefined;
  const startUs = steadyUs(route.clock);
  return client.takePermits(parties, how.maxWaitUs, startUs, {
    taken: (taken) => granted(client, parties, taken, false).permit,
    failed: async (error) => (await decideElsewhere(parties, route, how, startUs, client, error)).permit,
  });
}

/** A way to ask for one moment, and what becomes of the answer. */
interface Verb<Answer> {
  readonly mode: "now" | "peek";
  /** Makes the answer from a store's reply. `nowUs` is the time by this process' clock, if it is known. */
  conclude(
    parties: readonly Party[],
    client: StoreSession,
    reply: TakeReply,
    id: string,
    degraded: boolean,
    nowUs?: number,
  ): Answer;
  /** Makes the answer from a decision that no store made. */
  storeless(parties: readonly Party[], decision: Decision, nowUs: number): Answer;
}

const NOW: Verb<Decision> = {
  mode: "now",
  conclude(parties, client, reply, id, degraded, nowUs) {
    const decision = decisionOf(parties, reply, true, degraded);
    if (id !== "" && decision.allowed) decision.grant(newPermit(parties, decision, 0, { client, reply, id }));
    count(parties, decision, 0, decision.allowed ? nowUs ?? client.clock.nowUs() : 0, false);
    return decision;
  },
  storeless(parties, decision, nowUs) {
    count(parties, decision, 0, nowUs, false);
    return decision;
  },
};

const PEEK: Verb<Decision> = {
  mode: "peek",
  conclude: (parties, _client, reply, _id, degraded) => decisionOf(parties, reply, false, degraded),
  storeless: (_parties, decision) => decision,
};

/** What is waited for, with everything that it takes to answer. */
class Question<Answer> implements Conclusion<Answer> {
  readonly #verb: Verb<Answer>;
  readonly #parties: readonly Party[];
  readonly #route: Route;

  constructor(verb: Verb<Answer>, parties: readonly Party[], route: Route) {
    this.#verb = verb;
    this.#parties = parties;
    this.#route = route;
  }

  reply(client: StoreSession, request: TakeRequest, reply: TakeReply, askedUs: number): Answer {
    client.shortcuts?.remember(request, reply, askedUs);
    return this.#verb.conclude(this.#parties, client, reply, request.id, false);
  }

  failure(client: StoreSession, error: unknown): Answer | Promise<Answer> {
    return recover(this.#verb, this.#parties, this.#route, client, error);
  }
}

function ask<Answer>(verb: Verb<Answer>, parties: readonly Party[], route: Route): Answer | Promise<Answer> {
  const client = route.current();
  if (client === undefined) return route.client().then((opened) => askAt(verb, parties, route, opened));
  const known = parties.length === 1 ? client.shortcuts?.decide(parties[0] as Party, verb.mode, 0) : undefined;
  if (known === undefined) return askAt(verb, parties, route, client);
  if (!(known instanceof Promise)) return verb.conclude(parties, client, known, "", false, known.nowUs);
  return (client.health?.within(known, parties) ?? known).then(
    (reply) => verb.conclude(parties, client, reply, "", false),
    (error) => recover(verb, parties, route, client, error),
  );
}

function askAt<Answer>(
  verb: Verb<Answer>,
  parties: readonly Party[],
  route: Route,
  client: StoreSession,
): Answer | Promise<Answer> {
  if (client.health === undefined) return askHere(verb, parties, route, client, false);
  const request = client.request(parties, verb.mode, 0);
  return client.health.decide(client, request, new Question(verb, parties, route));
}

/** Asks a store that is in this process. */
function askHere<Answer>(
  verb: Verb<Answer>,
  parties: readonly Party[],
  route: Route,
  client: StoreSession,
  degraded: boolean,
): Answer | Promise<Answer> {
  const request = client.request(parties, verb.mode, 0);
  const { id } = request;
  let reply: TakeReply | Promise<TakeReply>;
  try {
    reply = client.store.execute(request);
  } catch (error) {
    return recover(verb, parties, route, client, error);
  }
  // A store in this process has the clock of this process.
  if (!(reply instanceof Promise)) return verb.conclude(parties, client, reply, id, degraded, reply.nowUs);
  return reply.then(
    (later) => verb.conclude(parties, client, later, id, degraded),
    (error) => recover(verb, parties, route, client, error),
  );
}

/** What is answered where the store could not: another store, or the failure policy. */
function recover<Answer>(
  verb: Verb<Answer>,
  parties: readonly Party[],
  route: Route,
  client: StoreSession,
  error: unknown,
): Answer | Promise<Answer> {
  if (isClosed(error)) return askAnother(verb, parties, route, client, error);
  if (!isStoreError(error)) throw error;
  const { failurePolicy, storelessDecision } = client.verbs;
  const policy = failurePolicy(parties, error);
  const local = policy === "local" ? localParties(parties) : undefined;
  if (local === undefined) {
    const decision = storelessDecision(parties, policy === "allow", verb.mode === "now");
    return verb.storeless(parties, decision, route.clock.nowUs());
  }
  const current = route.currentFallback();
  if (current !== undefined) return askHere(verb, local, route, current, true);
  return route.fallback().then((fallback) => askHere(verb, local, route, fallback, true));
}

/** Another store may have taken the place of one that was closed. */
async function askAnother<Answer>(
  verb: Verb<Answer>,
  parties: readonly Party[],
  route: Route,
  closed: StoreSession,
  error: unknown,
): Promise<Answer> {
  if (await route.client() === closed) throw error;
  return await ask(verb, parties, route);
}

function takeAt(client: StoreSession, parties: readonly Party[], how: Patience): Taken | Promise<Taken> {
  const queued = () => parties.forEach(({ slots, metrics }) => slots > 0 && metrics.queued());
  const taken = client.take({ targets: parties, ...how, queued });
  const { signal } = how;
  if (signal === undefined || !(taken instanceof Promise)) return taken;
  return taken.catch((error) => {
    if (signal.aborted) parties.forEach((party) => party.metrics.aborted());
    throw error;
  });
}

/** What becomes of a take, after all waiting. */
function granted(
  client: StoreSession,
  parties: readonly Party[],
  { reply, id, waitedMs, wasQueued }: Taken,
  degraded: boolean,
): Granted {
  const named = client.currentAll(parties) as readonly Party[];
  const decision = decisionOf(named, reply, false, degraded);
  count(parties, decision, waitedMs, client.clock.nowUs(), true, wasQueued);
  if (!decision.allowed) throw new RateLimitedError(decision);
  return { permit: newPermit(parties, decision, waitedMs, { client, reply, id }), source: { client, reply } };
}
