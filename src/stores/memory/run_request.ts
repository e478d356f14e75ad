/**
 * One request on some entries, at one reading of the clock: what every store does that decides by the kernels in this process.
 *
 * @module
 */

import type { Mark } from "../../algorithms/kernel.ts";
import type { RateLimit } from "../../algorithms/limit.ts";
import { kernelOf, type RateState } from "../../algorithms/kernels.ts";
import { correctedName, staysUs } from "../correction.ts";
import type {
  BlockRequest,
  CorrectRequest,
  DoneReply,
  GiveBackRequest,
  StoreRequest,
  TakeReply,
  TakeRequest,
  Target,
  TargetDetails,
  TargetLevel,
} from "../store.ts";
import type { Entry } from "./entry.ts";
import { levelsOf } from "./entry_table.ts";
import type { RunContext } from "./run_context.ts";
import { alsoRefunded } from "./sections.ts";
import { MemoryTransaction } from "./transaction.ts";

/** Runs a request, as a whole or not at all. */
export function runRequest(request: StoreRequest, context: RunContext): TakeReply | DoneReply {
  const { entries, nowUs } = context;
  if (request.op === "giveBack") return giveBack(request, context);
  const peeks = request.op === "take" && request.mode === "peek";
  if (!peeks && request.op !== "release" && request.op !== "renew") {
    for (const target of request.targets) entries.settle(target, nowUs);
  }
  const transaction = new MemoryTransaction(context, peeks);
  switch (request.op) {
    case "take":
      if (request.times !== undefined) return takeTimes(transaction, request, request.times);
      return peeks && request.details !== undefined
        ? { ...transaction.take(request), details: detailsOf(request.targets, request.details, context) }
        : transaction.take(request);
    case "poll":
      return transaction.poll(request);
    case "release":
      return done(nowUs, [sum(request.targets.map((target) => transaction.release(target, request.id)))]);
    case "renew":
      return done(nowUs, request.targets.map((target) => transaction.renew(target, request.id) ? 1 : 0));
    case "refund":
      for (const target of request.targets) {
        const entry = entries.read(target, nowUs);
        if (entry.others !== undefined) entry.others = alsoRefunded(entry.others, nowUs, target.cost);
        entries.write(target, entry, nowUs);
      }
      return correct(request.targets, context, (rate, state, target) => {
        return kernelOf(rate).refund(state, nowUs, target.cost, rate);
      });
    case "penalize": {
      const counts = request.targets.map((target) => transaction.penalize(target) ? 1 : 0);
      return { ...standing(request.targets, context), counts };
    }
    case "block":
      return block(request, transaction, context);
    case "reset":
      for (const target of request.targets) transaction.reset(target);
      announce(request, context);
      return standing(request.targets, context);
  }
}

/** Takes of one target that follow each other go back together: thousands of calls may leave in one turn. */
function giveBack({ targets, marks }: GiveBackRequest, { entries, nowUs }: RunContext): DoneReply {
  const levels: TargetLevel[] = [];
  for (let place = 0; place < targets.length;) {
    const target = targets[place] as Target;
    const { rates } = target.policy;
    const entry = entries.read(target, nowUs);
    const states = entry.states.slice();
    do {
      const own = marks[place++] as readonly Mark[];
      for (let i = 0; i < rates.length; i++) {
        const rate = rates[i] as RateLimit;
        states[i] = kernelOf(rate).giveBack(states[i] as RateState, nowUs, target.cost, own[i] as Mark, rate);
      }
    } while (targets[place] === target);
    entry.states = states;
    entries.write(target, entry, nowUs);
    const level = levelOf(target, entry, nowUs);
    while (levels.length < place) levels.push(level);
  }
  return done(nowUs, [], levels);
}

function block(request: BlockRequest, transaction: MemoryTransaction, context: RunContext): DoneReply {
  const { entries, nowUs } = context;
  for (const target of request.targets) {
    const entry = entries.read(target, nowUs);
    const endsUs = request.durationUs > 0 ? nowUs + request.durationUs : 0;
    if (!request.keepLonger || endsUs > entry.blockedUs) entry.blockedUs = endsUs;
    entries.write(target, entry, nowUs);
    if (request.durationUs === 0) transaction.promote(target);
  }
  announce(request, context);
  return standing(request.targets, context);
}

/** Tells all other instances of a correction. */
function announce(request: BlockRequest | CorrectRequest, { listeners, nowUs, deliver }: RunContext): void {
  const { targets, from } = request;
  const op = request.op === "block" ? "block" : "reset";
  for (const listener of listeners.values()) {
    if (from === undefined || listener.instance === from) continue;
    deliver(() => {
      for (const target of targets) {
        listener.corrected?.({ name: correctedName(target), op, nowUs, durationUs: staysUs(request) });
      }
    });
  }
}

function correct(
  targets: readonly Target[],
  context: RunContext,
  change: (rate: RateLimit, state: RateState, target: Target, i: number) => RateState,
): DoneReply {
  const { entries, nowUs } = context;
  for (const target of targets) {
    const entry = entries.read(target, nowUs);
    entry.states = target.policy.rates.map((rate, i) => change(rate, entry.states[i] as RateState, target, i));
    entries.write(target, entry, nowUs);
  }
  return standing(targets, context);
}

function detailsOf(
  targets: readonly Target[],
  asked: readonly (readonly (readonly number[])[])[],
  { entries, nowUs, processesOf }: RunContext,
): TargetDetails[] {
  return targets.map((target, i): TargetDetails => {
    const { blockedUs, states, ledger } = entries.read(target, nowUs);
    const waitsUs = target.policy.rates.map((rate, place) => {
      const state = states[place] as RateState;
      return (asked[i]?.[place] ?? []).map((units) => kernelOf(rate).earliest(state, nowUs, units, rate) - nowUs);
    });
    const processes = ledger !== undefined && ledger.live(nowUs) > 0 ? processesOf(ledger) : 0;
    return { blockedUs: Math.max(blockedUs - nowUs, 0), waitsUs, waiting: ledger?.waiting ?? 0, processes };
  });
}

/** The reply to a correction. */
function standing(targets: readonly Target[], { entries, nowUs }: RunContext): DoneReply {
  return done(nowUs, [], targets.map((target) => levelOf(target, entries.read(target, nowUs), nowUs)));
}

function levelOf({ policy }: Target, entry: Entry, nowUs: number): TargetLevel {
  return { rates: levelsOf(policy, entry, nowUs), permits: undefined };
}

/** Takes as often as it is allowed: units taken together are admitted exactly if they all would be one by one. */
function takeTimes(transaction: MemoryTransaction, request: TakeRequest, times: number): TakeReply {
  const [target] = request.targets as [Target];
  const taking = (count: number, mode: TakeRequest["mode"]): TakeReply =>
    transaction.take({ ...request, mode, targets: [{ ...target, cost: target.cost * Math.max(count, 1) }] });
  let [low, high] = [0, times];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (taking(middle, "peek").status === "allowed") low = middle;
    else high = middle - 1;
  }
  return { ...taking(low, request.mode), times: low };
}

function done(nowUs: number, counts: readonly number[], levels: readonly TargetLevel[] = []): DoneReply {
  return { nowUs, counts, levels };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
