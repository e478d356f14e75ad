/**
 * `POST /v1/decide`: a decision, and an id of what has to be released or settled later.
 *
 * @module
 */

import { RateSyncError } from "../base/errors.ts";
import type { Explanation } from "../decision/explain/explanation.ts";
import type { AskOptions } from "../limiter/call_options.ts";
import type { Decision, DecisionJSON, Permit } from "../decision/decision.ts";
import { RateLimitedError } from "../decision/rate_limited_error.ts";
import type { RateSync } from "../registry/rate_sync.ts";
import { type Fields, type FieldValues, objectOf, readFields, refuse } from "./fields.ts";
import { type HeldItems, RESERVATION_TTL_MS } from "./held.ts";
import { Problem } from "./problem.ts";

/** A decision as clients get it. */
export interface DecisionAnswer extends DecisionJSON {
  /** `RateLimit-Policy`, `RateLimit` and, on a denial, `Retry-After`, to be sent on to the client's own client. */
  readonly headers: Readonly<Record<string, string>>;
  /** How long the call waited, in milliseconds. */
  readonly waitedMs: number;
  /** What has to be released. */
  readonly permit?: HeldPermitJSON;
  /** What may be settled. */
  readonly reservation?: HeldReservationJSON;
}

/** A permit that the server holds. */
export interface HeldPermitJSON {
  /** Names it, for `/v1/release` and `/v1/renew`. */
  readonly id: string;
  /** When the server releases it, if it is not renewed before, in milliseconds. */
  readonly ttlMs: number;
  /** A number above that of every permit granted before it for this limiter and key. */
  readonly fencingToken: number | undefined;
}

/** A reservation that can be settled. */
export interface HeldReservationJSON {
  /** Names it, for `/v1/settle` and `/v1/release`. */
  readonly id: string;
  /** How long until its instant, in milliseconds. */
  readonly waitMs: number;
  /** How long it can be settled, in milliseconds. */
  readonly ttlMs: number;
}

const LIMITER = { kind: "text", most: 1_024, needed: true } as const;
const TTL = { kind: "number", least: 1, most: 86_400_000 } as const;

/** What says which units of which limiter. */
const ASK = {
  limiter: LIMITER,
  key: { kind: "text", most: 65_536 },
  keyClass: { kind: "text", most: 64 },
  cost: { kind: "whole", least: 1, most: Number.MAX_SAFE_INTEGER },
} as const satisfies Fields;

/** What decisions need. */
export interface DecideContext {
  /** The instance that decides. */
  readonly rs: RateSync;
  /** What it holds for clients. */
  readonly held: HeldItems;
  /** The longest wait of a request, in milliseconds. */
  readonly maxWaitMs: number;
  /** The most items of a list. */
  readonly maxBatch: number;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  /** The ids of what this request made the server hold: if the client left, they are released. */
  readonly created: string[];
}

/** Decides one item. `at` says where it is in the body. */
export async function decide(value: unknown, at: string, context: DecideContext): Promise<DecisionAnswer> {
  const wait = { kind: "number", least: 0, most: context.maxWaitMs } as const;
  if ("all" in objectOf(value, at)) return await decideAll(value, at, wait, context);
  const fields = readFields(value, { ...ASK, timeoutMs: wait, reserve: { kind: "flag" }, ttlMs: TTL }, at);
  const { limiter, timeoutMs = 0, reserve = false, ttlMs } = fields;
  const { rs, held, signal } = context;
  const { policy } = rs.limiter(limiter);
  const holds = policy.maxConcurrent > 0;
  if (holds || reserve) held.checkRoom();
  const ask = askOf(fields);
  return await answered(async () => {
    if (reserve) {
      const reservation = await rs.reserve(limiter, { ...ask, timeoutMs, signal });
      const { waitMs } = reservation;
      const lifeMs = ttlMs ?? waitMs + RESERVATION_TTL_MS;
      const id = held.addReservation(reservation, lifeMs);
      context.created.push(id);
      return { ...plain(reservation.decision, 0), reservation: { id, waitMs, ttlMs: lifeMs } };
    }
    if (timeoutMs > 0) {
      const permit = await rs.acquire(limiter, { ...ask, timeoutMs, signal });
      return granted(permit, holds, ttlMs ?? policy.leaseTtlUs / 1_000, context);
    }
    const decision = await rs.tryAcquire(limiter, ask);
    if (!holds || decision.permit === undefined) return plain(decision, 0);
    return granted(decision.permit, holds, ttlMs ?? policy.leaseTtlUs / 1_000, context);
  });
}

/** Decides over several limiters: takes from all of them, or from none. */
async function decideAll(
  value: unknown,
  at: string,
  wait: { readonly kind: "number"; readonly least: number; readonly most: number },
  context: DecideContext,
): Promise<DecisionAnswer> {
  const { all, ...rest } = objectOf(value, at);
  const { timeoutMs = 0, ttlMs } = readFields(rest, { timeoutMs: wait, ttlMs: TTL }, at);
  const where = at === "" ? "all" : `${at}.all`;
  if (!Array.isArray(all) || all.length === 0 || all.length > context.maxBatch) {
    refuse(where, `a list of 1 to ${context.maxBatch} limiters with their keys and costs`, all);
  }
  const { rs, held, signal } = context;
  const asks = all.map((each, i) => {
    const fields = readFields(each, ASK, `${where}[${i}]`);
    return { limiter: fields.limiter, ...askOf(fields) };
  });
  const policies = asks.map(({ limiter }) => rs.limiter(limiter).policy).filter(({ maxConcurrent }) =>
    maxConcurrent > 0
  );
  const holds = policies.length > 0;
  if (holds) held.checkRoom();
  const lifeMs = ttlMs ?? Math.min(...policies.map(({ leaseTtlUs }) => leaseTtlUs / 1_000));
  return await answered(async () => {
    if (timeoutMs > 0) return granted(await rs.acquireAll(asks, { timeoutMs, signal }), holds, lifeMs, context);
    const decision = await rs.tryAcquireAll(asks);
    if (!holds || decision.permit === undefined) return plain(decision, 0);
    return granted(decision.permit, holds, lifeMs, context);
  });
}

/** `POST /v1/peek`: what a decision would be. */
export async function peek(value: unknown, at: string, { rs }: DecideContext): Promise<DecisionAnswer> {
  const fields = readFields(value, ASK, at);
  return plain(await rs.peek(fields.limiter, askOf(fields)), 0);
}

/** `POST /v1/explain`: why a decision would be as it would be, as text and as data. */
export async function explain(
  value: unknown,
  at: string,
  { rs }: DecideContext,
): Promise<{ readonly text: string; readonly explanation: Explanation }> {
  const fields = readFields(value, ASK, at);
  const explanation = await rs.explain(fields.limiter, askOf(fields));
  return { text: String(explanation), explanation };
}

/** The options of a call: without those that are not there. */
function askOf({ key, keyClass, cost }: Pick<FieldValues<typeof ASK>, "key" | "keyClass" | "cost">): AskOptions {
  return {
    ...(key === undefined ? {} : { key }),
    ...(keyClass === undefined ? {} : { keyClass }),
    ...(cost === undefined ? {} : { cost }),
  };
}

/** A denial of a call that waits is an answer, as one of a call that does not. */
async function answered(ask: () => Promise<DecisionAnswer>): Promise<DecisionAnswer> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof RateLimitedError) return plain(error.decision, 0);
    if (error instanceof TypeError && !RateSyncError.is(error)) throw new Problem("FIELD_INVALID", error.message);
    throw error;
  }
}

function plain(decision: Decision, waitedMs: number): DecisionAnswer {
  return { ...decision.toJSON(), headers: decision.headers(), waitedMs };
}

function granted(permit: Permit, holds: boolean, ttlMs: number, { held, created }: DecideContext): DecisionAnswer {
  const answer = plain(permit.decision, permit.waitedMs);
  if (!holds) return answer;
  const id = held.addPermit(permit, ttlMs);
  created.push(id);
  return { ...answer, permit: { id, ttlMs, fencingToken: permit.fencingToken } };
}
