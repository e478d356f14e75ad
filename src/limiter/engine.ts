/**
 * Asks limiters on behalf of callers: what `acquire` and its kin have in common, over one limiter or several.
 *
 * @module
 */

import type { StoreError } from "../base/errors.ts";
import { type Decision, RateLimitedError } from "../policy/decision.ts";
import type { DoneReply, StoreRequest, TakeReply, Target } from "../stores/store.ts";
import { decisionOf, storelessDecision } from "./decide.ts";
import type { LimiterEvent } from "./events.ts";
import { isClosed, isStoreError, strictest } from "./failure.ts";
import type { HeldLease } from "./lease_keeper.ts";
import type { MetricsRecorder } from "./metrics.ts";
import { LeasedPermit, type Permit } from "./permit.ts";
import type { StoreClient } from "./store_client.ts";
import { takeInTurn, takeNow } from "./take.ts";

/** One limiter's part in a call. */
export interface Party {
  /** What is asked of it. */
  readonly target: Target;
  /** Its counts. */
  readonly metrics: MetricsRecorder;
  /** Tells its subscribers; undefined where there are none. */
  readonly emit: ((event: LimiterEvent) => void) | undefined;
}

/** Where a call goes. */
export interface Route {
  /** The configured store. */
  client(): Promise<StoreClient>;
  /** The store of this process, for when the configured one cannot decide. */
  fallback(): StoreClient;
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

/** An outcome with everything that belongs to it. */
export interface Outcome {
  /** The decision. */
  readonly decision: Decision;
  /** Present when allowed and not peeked. */
  readonly permit: Permit | undefined;
  /** The reply behind it, and the store that gave it; undefined where no store decided. */
  readonly source: { readonly client: StoreClient; readonly reply: TakeReply } | undefined;
}

/** Decides now; `patience` waits. A denial is an outcome, not an error. */
export async function decide(
  parties: readonly Party[],
  route: Route,
  how: "now" | "peek" | Patience,
): Promise<Outcome> {
  const targets = parties.map((party) => party.target);
  const startMs = typeof how === "string" ? 0 : route.nowMs();
  const client = await route.client();
  try {
    return await decideAt(client, parties, how, false);
  } catch (error) {
    // Another store may have taken the place of this one.
    if (isClosed(error) && await route.client() !== client) {
      return await decide(parties, route, remaining(how, route.nowMs() - startMs));
    }
    if (!isStoreError(error)) throw counted(parties, how, error);
    route.failed(error);
    for (const { metrics, emit, target } of parties) {
      metrics.storeFailed();
      emit?.({ type: "store_error", limiter: target.limiter, error });
    }
    const policy = strictest(targets);
    if (policy === "throw") throw error;
    if (policy === "local") {
      return await decideAt(route.fallback(), parties, remaining(how, route.nowMs() - startMs), true);
    }
    const decision = storelessDecision(targets, policy === "allow");
    if (how !== "peek") count(parties, { decision, waitedMs: 0, how, nowMs: route.nowMs() });
    const permit = decision.allowed ? newPermit(parties, decision, 0) : undefined;
    return { decision, permit, source: undefined };
  }
}

/** The same patience, after some of it was spent. */
function remaining(how: "now" | "peek" | Patience, spentMs: number): "now" | "peek" | Patience {
  if (typeof how === "string") return how;
  return { ...how, maxWaitUs: Math.max(how.maxWaitUs - Math.ceil(spentMs * 1_000), 0) };
}

/** The same, where a denial is an error. */
export async function decideOrThrow(
  parties: readonly Party[],
  route: Route,
  how: Patience,
): Promise<Outcome & { readonly permit: Permit }> {
  const { decision, permit, source } = await decide(parties, route, how);
  if (permit === undefined) throw new RateLimitedError(decision);
  return { decision, permit, source };
}

interface Counted {
  readonly decision: Decision;
  readonly waitedMs: number;
  readonly how: "now" | Patience;
  readonly nowMs: number;
}

/** Corrects the state of a limiter. */
export async function correct(route: Route, request: StoreRequest): Promise<DoneReply> {
  const client = await route.client();
  return await client.ask(request) as DoneReply;
}

async function decideAt(
  client: StoreClient,
  parties: readonly Party[],
  how: "now" | "peek" | Patience,
  degraded: boolean,
): Promise<Outcome> {
  const targets = parties.map((party) => party.target);
  const queued = () => parties.forEach((party) => party.metrics.queued());
  const { reply, id, waitedMs } = typeof how === "string"
    ? await takeNow(client, targets, how)
    : await takeInTurn(client, { targets, ...how, queued });
  const decision = decisionOf(targets, reply, degraded);
  const source = { client, reply };
  if (how === "peek") return { decision, permit: undefined, source };
  count(parties, { decision, waitedMs, how, nowMs: client.clock.nowUs() / 1_000 });
  if (!decision.allowed) return { decision, permit: undefined, source };
  const fence = reply.levels.find((level) => level.slots !== undefined)?.slots?.fence;
  return { decision, permit: newPermit(parties, decision, waitedMs, { client, id, fence }), source };
}

function newPermit(
  parties: readonly Party[],
  decision: Decision,
  waitedMs: number,
  held?: { client: StoreClient; id: string; fence: number | undefined },
): LeasedPermit {
  const holders = parties.filter((party) => party.target.slots > 0);
  if (held === undefined || holders.length === 0) {
    return new LeasedPermit({ decision, waitedMs, fencingToken: undefined, giveBack: undefined });
  }
  const { client, id } = held;
  const targets = holders.map((party) => party.target);
  const lease: HeldLease = {
    id,
    targets,
    lost() {
      permit.lose();
      for (const { metrics, emit, target } of holders) {
        metrics.freed("lost");
        emit?.({ type: "lease_lost", limiter: target.limiter });
      }
    },
  };
  const permit = new LeasedPermit({
    decision,
    waitedMs,
    fencingToken: held.fence,
    async giveBack() {
      client.leases.drop(lease);
      for (const { metrics, emit, target } of holders) {
        metrics.freed("released");
        emit?.({ type: "release", limiter: target.limiter });
      }
      // Whatever keeps the store from hearing it, the lease ends by itself.
      await client.ask({ op: "release", id, targets }).catch(() => {});
    },
  });
  for (const { metrics } of holders) metrics.held();
  client.leases.keep(lease);
  return permit;
}

function count(
  parties: readonly Party[],
  { decision, waitedMs, how, nowMs }: Counted,
): void {
  for (const { target, metrics, emit } of parties) {
    if (decision.allowed) metrics.acquired(waitedMs, nowMs);
    else metrics.denied(decision.reason === "concurrency" && how === "now", how !== "now");
    emit?.({ type: "decision", limiter: target.limiter, decision, waitedMs });
  }
}

function counted(parties: readonly Party[], how: "now" | "peek" | Patience, error: unknown): unknown {
  if (typeof how !== "string" && how.signal?.aborted) parties.forEach((party) => party.metrics.aborted());
  return error;
}
