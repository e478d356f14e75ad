/**
 * The way of every call, from top to bottom: a shortcut, the breaker, the deadline, the store, the wait, the answer; and
 * where the store cannot decide, the failure policy.
 *
 * @module
 */

import { orAbort } from "../base/abort.ts";
import { CostExceedsLimitError, type StoreError } from "../base/errors.ts";
import { steadyUs } from "../base/clock.ts";
import type { TakeReply, Target } from "../stores/store.ts";
import { Call, type CallKind, type Stages, type WaitLimit } from "./call.ts";
import type { WaitOutcome } from "../observe/observer.ts";
import { isClosed, isStoreError } from "../resilience/failure.ts";
import type { Degradation } from "../decision/degradation.ts";
import { failurePolicy, storeless } from "./failure_policy.ts";
import type { StoreAccess } from "./store_access.ts";
import type { StoreSession } from "./store_session.ts";
import { type LimiterTarget, onLocalLimits } from "./target.ts";
import { waitForPermit, waitForTurn } from "./wait.ts";

const STAGES: Stages = { answered, failed };

/** How long calls wait that do not. */
export const NO_WAIT: WaitLimit = { maxWaitUs: 0, signal: undefined };

/** Starts a call: the answer, where it is known at once, else its promise. */
export function start<Answer>(
  session: StoreSession,
  access: StoreAccess,
  targets: readonly LimiterTarget[],
  kind: CallKind<Answer>,
  limit: WaitLimit = NO_WAIT,
  degradation?: Degradation,
): Answer | Promise<Answer> {
  const call = new Call(targets, kind, access, session, limit, degradation);
  const { shortcuts } = session;
  const known = shortcuts === undefined || targets.length > 1 || kind.reserves || kind.details !== undefined
    ? undefined
    : shortcuts.decide(targets[0] as Target, call.mode, call.maxWaitUs, call.signal);
  if (known === undefined) return take(call);
  if (!(known instanceof Promise)) return takeKnowing(call, known, true);
  return inTime(call, known).then((reply) => takeKnowing(call, reply, false), (error) => failed(call, error));
}

/** As `start`, where a store has been asked about this moment already. A call that may wait takes its place after that. */
export function startAsked<Answer>(
  asked: Promise<TakeReply>,
  session: StoreSession,
  access: StoreAccess,
  targets: readonly LimiterTarget[],
  kind: CallKind<Answer>,
  limit: WaitLimit = NO_WAIT,
): Promise<Answer> {
  const call = new Call(targets, kind, access, session, limit, undefined);
  return new Promise((resolve, reject) => {
    call.open(STAGES, resolve, reject);
    asked.then((reply) => {
      if (!call.waits || call.isOver || reply.status === "allowed") call.answered(reply);
      else resolve(take(call));
    }, (error) => call.failed(error));
  });
}

/** What this process will decide by itself once it has leased more units. */
function inTime<Answer>({ session, targets, signal, waits }: Call<Answer>, known: Promise<TakeReply>) {
  const reply = session.health?.within(known, targets) ?? known;
  return waits ? orAbort(reply, signal) : reply;
}

/** A call that may wait longer than what is known says takes its place at the store. */
function takeKnowing<Answer>(call: Call<Answer>, reply: TakeReply, isSpared: boolean): Answer | Promise<Answer> {
  if (call.waits && reply.status !== "allowed" && reply.waitUs <= call.maxWaitUs) return take(call);
  const { recorder, policy } = call.targets[0] as LimiterTarget;
  if (isSpared && call.mode !== "peek") recorder.spared(policy.tokenLeaseUs > 0);
  return done(call, reply);
}

/** Asks the store, whatever this process knows. One that is inside this process answers before it returns. */
export function take<Answer>(call: Call<Answer>): Answer | Promise<Answer> {
  const { session, targets } = call;
  const { health } = session;
  if (call.waits) {
    const mayWait = call.maxWaitUs > 0 &&
      (call.kind.reserves || call.uncount !== undefined || !session.waits.isFull(targets));
    call.mode = mayWait ? "wait" : "now";
  }
  call.id = targets.length === 1 && targets[0]?.permits === 0 ? "" : session.room.idFor(targets, call.maxWaitUs);
  const mayQueue = call.waits && call.id !== "";
  // A call has its place among those that wait before it takes units for later: more calls than may wait take none.
  if (call.mode === "wait" && !call.kind.reserves) call.uncount ??= session.waits.add(targets);
  if (mayQueue) session.room.announce(call.id, targets[0] as Target);
  const refusal = health?.breaker.error && health.openError();
  if (refusal !== undefined) return failed(call, refusal);
  const mustListen = mayQueue && call.maxWaitUs > 0 && !session.listener.hears;
  let asked: Promise<TakeReply> | undefined;
  if (health === undefined && !mustListen) {
    let reply: TakeReply | Promise<TakeReply>;
    try {
      reply = session.store.execute(call, call.signal);
    } catch (error) {
      return failed(call, error);
    }
    if (!(reply instanceof Promise)) return answered(call, reply);
    asked = reply;
  }
  return new Promise((resolve, reject) => {
    if (!call.open(STAGES, resolve, reject) && asked === undefined) return;
    call.askedUs = session.clock.nowUs();
    health?.start(call, session.clock, call.askedUs);
    if (asked !== undefined) asked.then((later) => call.answered(later), (error) => call.failed(error));
    else if (mustListen) {
      const listening = session.listener.listen();
      listening.then(
        () => call.isOver ? call.withdraw() : call.send(),
        (error) => call.withdraw(error),
      );
    } else call.send();
  });
}

/** The store has answered in time. */
function answered<Answer>(call: Call<Answer>, reply: TakeReply): Answer | Promise<Answer> {
  const { session, targets } = call;
  const { shortcuts } = session;
  const { status, waitUs } = reply;
  if (shortcuts !== undefined && (status !== "allowed" || waitUs > 0 || !shortcuts.denials.isEmpty)) {
    shortcuts.remember(call, reply, call.askedUs);
  }
  if (!call.waits) return done(call, reply);
  // Those that had the last places did not need them.
  if (couldWait(call, reply) && !session.waits.isFull(targets)) return takeAgain(call);
  if (call.id !== "") return status === "queued" ? wait(call, waitForPermit(call, reply)) : done(call, reply);
  if (status === "allowed" ? waitUs === 0 || call.kind.reserves : status !== "queued") return done(call, reply);
  if (call.kind.reserves) return done(call, { ...reply, status: "rate" });
  return wait(call, status === "queued" ? waitForPermit(call, reply) : waitForTurn(call, reply));
}

/** Waits. Not an async function: thousands of calls may leave in one turn. */
function wait<Answer>(call: Call<Answer>, waiting: Promise<TakeReply | undefined>): Promise<Answer> {
  if (!call.isWaiting) { for (const { recorder } of call.targets) recorder.waits(); }
  call.isWaiting = true;
  return waiting.then(
    (reply) => reply === undefined ? takeAgain(call) : done(call, reply),
    (error) => failed(call, error),
  );
}

/** Takes anew within the time that is left: what a call has waited for holds no longer. */
function takeAgain<Answer>(call: Call<Answer>): Answer | Promise<Answer> {
  const { session, access, kind, targets, degradation } = call;
  const current = session.changed.currentAll(targets);
  const beyond = current.find(({ cost, policy }) => cost > policy.capacity);
  if (beyond !== undefined) {
    return failed(call, new CostExceedsLimitError(beyond.limiter, beyond.cost, beyond.policy.capacity));
  }
  const again = new Call(current, kind, access, session, limitLeft(call), degradation, call);
  again.uncount = call.uncount;
  call.uncount = undefined;
  [again.isWaiting, call.isWaiting] = [true, false];
  return take(again);
}

/** Whether a call is denied that could wait, but for those who wait already: it was asked about for one moment. */
function couldWait<Answer>({ mode, maxWaitUs }: Call<Answer>, { status, waitUs }: TakeReply): boolean {
  return mode === "now" && maxWaitUs > 0 && waitUs <= maxWaitUs && status !== "allowed";
}

/** Answers, and counts what the answer is. */
function done<Answer>(call: Call<Answer>, reply: TakeReply): Answer {
  call.reply = reply;
  if (call.waits) {
    end(call, reply.status === "allowed" ? "allowed" : "denied");
    if (couldWait(call, reply)) call.reply = queueFull(reply);
    call.waitedMs = (steadyUs(call.session.clock) - call.startUs) / 1_000;
  }
  return call.kind.answer(call, call.reply);
}

function end<Answer>(call: Call<Answer>, outcome: WaitOutcome): void {
  if (call.waits && call.id !== "") call.session.room.forget(call.id);
  call.uncount?.();
  call.uncount = undefined;
  if (!call.isWaiting) return;
  call.isWaiting = false;
  const waitedMs = (steadyUs(call.session.clock) - call.startUs) / 1_000;
  for (const { recorder } of call.targets) recorder.waited(outcome, waitedMs, call.begun);
}

/** What a reply would be if the queue were full. Replies may make their levels when asked: there is nothing to spread. */
function queueFull({ nowUs, waitUs, arrivalUs, levels }: TakeReply): TakeReply {
  return { status: "queue_full", nowUs, waitUs, arrivalUs, levels };
}

/** The store could not decide, or its caller has given up: another store, or the failure policy. */
function failed<Answer>(call: Call<Answer>, error: unknown): Answer | Promise<Answer> {
  const { targets, access, kind } = call;
  end(call, call.signal?.aborted ? "aborted" : "failed");
  if (call.signal?.aborted) { for (const { recorder } of targets) recorder.aborted(); }
  if (isClosed(error)) return askAnother(call, error);
  if (!isStoreError(error)) throw error;
  const policy = failurePolicy(targets, error);
  const local = policy === "local" ? onLocalLimits(targets) : undefined;
  const degradation = degradationOf(call, error, policy, local !== undefined);
  if (local === undefined) {
    call.degradation = degradation;
    return kind.answer(call, storeless(targets, policy === "allow"));
  }
  const limit = limitLeft(call);
  const session = access.currentFallback();
  if (session !== undefined) return start(session, access, local, kind, limit, degradation);
  return access.fallback().then((opened) => start(opened, access, local, kind, limit, degradation));
}

function degradationOf<Answer>(
  { session, targets, degradation }: Call<Answer>,
  error: StoreError,
  policy: Degradation["policy"],
  isLocal: boolean,
): Degradation {
  const { id: store, health } = session;
  const localShare = targets[0]?.policy.localShare ?? 1;
  // Of a store of this process that fails too, what the configured one failed with is the reason.
  return degradation ?? { store, error, sinceUs: health?.breaker.downSinceUs, policy, isLocal, localShare };
}

/** Another store may have taken the place of one that was closed. */
async function askAnother<Answer>(call: Call<Answer>, error: unknown): Promise<Answer> {
  const session = await call.access.client();
  if (session === call.session) throw error;
  return await start(session, call.access, call.targets, call.kind, limitLeft(call));
}

function limitLeft<Answer>({ waits, session, startUs, maxWaitUs, signal }: Call<Answer>): WaitLimit {
  return waits ? { maxWaitUs: Math.max(maxWaitUs - (steadyUs(session.clock) - startUs), 0), signal } : NO_WAIT;
}
