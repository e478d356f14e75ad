/**
 * What `decide.lua` and `coordinate.lua` tell of a take, as a reply.
 *
 * @module
 */

import type { TakeReply, TakeStatus, Target, TargetDetails, TargetLevel } from "../store.ts";

/** By their numbers. The last three are of calls that ask again. */
const STATUSES: readonly TakeStatus[] = [
  ...["rate", "allowed", "blocked", "queued", "permits", "queue_full"] as const,
  ...["allowed", "allowed", "queued"] as const,
];

/** Stands for "allowed" where all of it was taken before. */
const REPEATED = 6;

/** Reads the numbers of an entry: `plain` where they are of `decide.lua`, which tells of no arrival and no permits; with `times`, of how
 * many were admitted. */
export function takeReply(
  nowUs: number,
  numbers: readonly number[],
  targets: readonly Pick<Target, "policy">[],
  plain: boolean,
  times?: number,
): TakeReply {
  const outcome = numbers[0] as number;
  const status = STATUSES[outcome] as TakeStatus;
  return {
    status,
    nowUs,
    waitUs: numbers[1] as number,
    arrivalUs: plain || times !== undefined ? 0 : numbers[2] as number,
    levels: readLevels(numbers, plain ? 2 : 3, targets, true, status === "blocked"),
    ...(outcome < REPEATED ? {} : outcome === REPEATED ? { repeated: true } : { forgotten: true }),
    ...(times === undefined ? {} : { times: numbers[2] as number }),
  };
}

/** How many numbers a mark has besides its level, and the place of its limit before them. */
const TRACE_SIZE = 5;

/** Reads where each limit of each target stands, from a place on. */
export function readLevels(
  numbers: readonly number[],
  from: number,
  targets: readonly Pick<Target, "policy">[],
  withPermits: boolean,
  isBlocked = false,
): TargetLevel[] {
  let cursor = from;
  const next = () => numbers[cursor++] as number;
  const levels: TargetLevel[] = targets.map(({ policy }) => ({
    rates: policy.rates.map(() => [next(), next()] as const),
    permits: withPermits && policy.maxConcurrent > 0 ? { used: next(), freeInUs: next(), fence: next() } : undefined,
  }));
  if (isBlocked && targets.length > 1) return levels.map((level) => withBlock(level, next()));
  return cursor < numbers.length ? withTraces(levels, numbers, cursor) : levels;
}

/** Adds how long a target is blocked, if it is. */
function withBlock(level: TargetLevel, blockedUs: number): TargetLevel {
  return blockedUs > 0 ? { ...level, blockedUs } : level;
}

/**
 * Reads the reply to a take that asks for `details`.
 *
 * @param nowUs The store's clock at the decision.
 * @param numbers What the script told: the details behind the rest.
 * @param targets The targets.
 * @param asked For each rate of each target, the units that were asked about.
 */
export function detailedReply(
  nowUs: number,
  numbers: readonly number[],
  targets: readonly Target[],
  asked: readonly (readonly (readonly number[])[])[],
): TakeReply {
  const counts = targets.map(({ policy }, i) => {
    const waits = (asked[i] ?? []).reduce((sum, units) => sum + units.length, 0);
    return 1 + waits + (policy.maxConcurrent > 0 ? 2 : 0);
  });
  let cursor = numbers.length - counts.reduce((sum, count) => sum + count, 0);
  const reply = takeReply(nowUs, numbers.slice(0, cursor), targets, false);
  const next = () => numbers[cursor++] as number;
  const details = targets.map(({ policy }, i): TargetDetails => {
    const blockedUs = next();
    const waitsUs = (asked[i] ?? []).map((units) => units.map(next));
    const [waiting, processes] = policy.maxConcurrent > 0 ? [next(), next()] : [0, 0];
    return { blockedUs, waitsUs, waiting, processes };
  });
  return { ...reply, details };
}

/** Adds what marks hold besides the levels: the place of the limit among all, and its numbers. */
function withTraces(levels: readonly TargetLevel[], numbers: readonly number[], from: number): TargetLevel[] {
  const traces = new Map<number, readonly number[]>();
  for (let cursor = from; cursor < numbers.length; cursor += TRACE_SIZE + 1) {
    traces.set(numbers[cursor] as number, numbers.slice(cursor + 1, cursor + 1 + TRACE_SIZE));
  }
  let place = 0;
  return levels.map((level) => {
    const own = level.rates.map(() => traces.get(place++));
    return own.some((trace) => trace !== undefined) ? { ...level, traces: own } : level;
  });
}
