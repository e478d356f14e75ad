/**
 * Asks limiters on behalf of callers: what `acquire` and its kin have in common, over one limiter or several.
 *
 * @module
 */

import type { StoreError } from "../base/errors.ts";
import { Decision, RateLimitedError } from "../policy/decision.ts";
import type { DoneReply, StoreRequest, TakeReply, Target } from "../stores/store.ts";
import { ReplyFacts, storelessFacts } from "./decide.ts";
import type { Subscriptions } from "./events.ts";
import { isClosed, isStoreError, strictest } from "./failure.ts";
import type { HeldLease } from "./lease_keeper.ts";
import type { MetricsRecorder } from "./metrics.ts";
import { LeasedPermit, type Permit, RatePermit } from "./permit.ts";
import type { StoreClient } from "./store_client.ts";
import { newRequest, takeInTurn } from "./take.ts";
import { TryDecision } from "./try_decision.ts";

/** One limiter's part in a call: what is asked of it, and who hears of the answer. */
export interface Party extends Target {
  /** Its counts. */
  readonly metrics: MetricsRecorder;
  /** Its subscribers. */
  readonly events: Subscriptions;
}

/** Where a call goes. */
export interface Route {
  /** The configured store, if it is open. */
  readonly current: StoreClient | undefined;
  /** The configured store; opened if it is not. */
  client(): Promise<StoreClient>;
  /** The store of this process, for when the configured one cannot decide. */
  fallback(): Promise<StoreClient>;
  /** The present, in milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Told of every failure of the store. */
  failed(error: StoreError): void;
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
  const startMs = route.nowMs();
  const client = route.current ?? await route.client();
  try {
    return await takeAt(client, parties, how, false);
  } catch (error) {
    const left = { ...how, maxWaitUs: Math.max(how.maxWaitUs - Math.ceil((route.nowMs() - startMs) * 1_000), 0) };
    // Another store may have taken the place of this one.
    if (isClosed(error) && await route.client() !== client) return await decideInTurn(parties, route, left);
    if (!isStoreError(error)) throw error;
    const policy = failed(parties, route, error);
    if (policy === "local") return await takeAt(await route.fallback(), parties, left, true);
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
interface Question<Answer> {
  readonly mode: "now" | "peek";
  /** Makes the answer from a store's reply. `nowUs` is the time by this process' clock, if it is known. */
  conclude(
    parties: readonly Party[],
    client: StoreClient,
    reply: TakeReply,
    id: string,
    degraded: boolean,
    nowUs?: number,
  ): Answer;
  /** Makes the answer where no store decided. */
  storeless(parties: readonly Party[], allowed: boolean, nowMs: number): Answer;
}

const NOW: Question<TryDecision> = {
  mode: "now",
  conclude(parties, client, reply, id, degraded, nowUs) {
    const decision = new TryDecision(new ReplyFacts(parties, reply, degraded));
    const nowMs = decision.allowed ? (nowUs ?? client.clock.nowUs()) / 1_000 : 0;
    if (id !== "" && decision.allowed) decision.grant(newPermit(parties, decision, 0, { client, reply, id }));
    count(parties, decision, 0, nowMs, false);
    return decision;
  },
  storeless(parties, allowed, nowMs) {
    const decision = new TryDecision(storelessFacts(parties, allowed));
    count(parties, decision, 0, nowMs, false);
    return decision;
  },
};

const PEEK: Question<Decision> = {
  mode: "peek",
  conclude: (parties, _client, reply, _id, degraded) => new Decision(new ReplyFacts(parties, reply, degraded)),
  storeless: (parties, allowed) => new Decision(storelessFacts(parties, allowed)),
};

function ask<Answer>(question: Question<Answer>, parties: readonly Party[], route: Route): Answer | Promise<Answer> {
  const client = route.current;
  if (client === undefined) return route.client().then((opened) => askAt(question, parties, route, opened));
  const { foresight } = client;
  const known = foresight === undefined || parties.length > 1
    ? undefined
    : foresight.decide(parties[0] as Party, question.mode, 0);
  if (known === undefined) return askAt(question, parties, route, client);
  if (!(known instanceof Promise)) return question.conclude(parties, client, known, "", false, known.nowUs);
  return known.then(
    (reply) => question.conclude(parties, client, reply, "", false),
    (error) => recover(question, parties, route, client, error),
  );
}

function askAt<Answer>(
  question: Question<Answer>,
  parties: readonly Party[],
  route: Route,
  client: StoreClient,
): Answer | Promise<Answer> {
  const request = newRequest(client, parties, question.mode, 0);
  let reply: TakeReply | Promise<TakeReply>;
  const askedUs = client.store.isLocal ? 0 : client.clock.nowUs();
  try {
    reply = client.store.execute(request);
  } catch (error) {
    return recover(question, parties, route, client, error);
  }
  // A store in this process has the clock of this process.
  if (!(reply instanceof Promise)) return question.conclude(parties, client, reply, request.id, false, reply.nowUs);
  return reply.then((later) => {
    client.foresight?.remember(request, later, askedUs);
    return question.conclude(parties, client, later, request.id, false);
  }, (error) => recover(question, parties, route, client, error));
}

/** What is answered where the store could not: another store, or the failure policy. */
async function recover<Answer>(
  question: Question<Answer>,
  parties: readonly Party[],
  route: Route,
  client: StoreClient,
  error: unknown,
): Promise<Answer> {
  if (isClosed(error) && await route.client() !== client) return await ask(question, parties, route);
  if (!isStoreError(error)) throw error;
  const policy = failed(parties, route, error);
  if (policy !== "local") return question.storeless(parties, policy === "allow", route.nowMs());
  const fallback = await route.fallback();
  const request = newRequest(fallback, parties, question.mode, 0);
  return question.conclude(parties, fallback, await fallback.ask(request), request.id, true);
}

/** Tells everybody of a failure, and what to do about it. */
function failed(parties: readonly Party[], route: Route, error: StoreError): "local" | "allow" | "deny" {
  route.failed(error);
  for (const { metrics, events, limiter } of parties) {
    metrics.storeFailed();
    if (events.any) events.emit({ type: "store_error", limiter, error });
  }
  const policy = strictest(parties);
  if (policy === "throw") throw error;
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
    taken = await takeInTurn(client, { targets: parties, ...how, queued });
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

function newPermit(
  parties: readonly Party[],
  decision: Decision,
  waitedMs: number,
  held?: { client: StoreClient; reply: TakeReply; id: string },
): Permit {
  const holders = parties.filter((party) => party.slots > 0);
  if (held === undefined || holders.length === 0) return new RatePermit(decision, waitedMs);
  const { client, reply, id } = held;
  const lease: HeldLease = {
    id,
    targets: holders,
    lost() {
      permit.lose();
      for (const { metrics, events, limiter } of holders) {
        metrics.freed("lost");
        if (events.any) events.emit({ type: "lease_lost", limiter });
      }
    },
  };
  const permit = new LeasedPermit({
    decision,
    waitedMs,
    fencingToken: reply.levels.find((level) => level.slots !== undefined)?.slots?.fence,
    async giveBack() {
      client.leases.drop(lease);
      for (const { metrics, events, limiter } of holders) {
        metrics.freed("released");
        if (events.any) events.emit({ type: "release", limiter });
      }
      // Whatever keeps the store from hearing it, the lease ends by itself.
      await client.ask({ op: "release", id, targets: holders }).catch(() => {});
    },
  });
  for (const { metrics } of holders) metrics.held();
  client.leases.keep(lease);
  return permit;
}

function count(
  parties: readonly Party[],
  decision: Decision,
  waitedMs: number,
  nowMs: number,
  patient: boolean,
): void {
  for (let i = 0; i < parties.length; i++) {
    const { limiter, metrics, events } = parties[i] as Party;
    if (decision.allowed) metrics.acquired(waitedMs, nowMs);
    else metrics.denied(decision.reason === "concurrency" && !patient, patient);
    if (events.any) events.emit({ type: "decision", limiter, decision, waitedMs });
  }
}
