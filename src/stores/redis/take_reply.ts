/**
 * What `decide.lua` and `coordinate.lua` tell of a take, as a reply.
 *
 * @module
 */

import type { TakeReply, TakeStatus, Target, TargetLevel } from "../store.ts";

const STATUSES: readonly TakeStatus[] = ["rate", "allowed", "blocked", "queued", "slots", "queue_full"];

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
  return {
    status: numbers[0] === REPEATED ? "allowed" : STATUSES[numbers[0] as number] as TakeStatus,
    nowUs,
    waitUs: numbers[1] as number,
    arrivalUs: plain || times !== undefined ? 0 : numbers[2] as number,
    levels: readLevels(numbers, plain ? 2 : 3, targets, true),
    ...(numbers[0] === REPEATED ? { repeated: true } : {}),
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
  withSlots: boolean,
): TargetLevel[] {
  let cursor = from;
  const next = () => numbers[cursor++] as number;
  const levels: TargetLevel[] = targets.map(({ policy }) => ({
    rates: policy.rates.map(() => [next(), next()] as const),
    slots: withSlots && policy.maxConcurrent > 0 ? { used: next(), freeInUs: next(), fence: next() } : undefined,
  }));
  return cursor < numbers.length ? withTraces(levels, numbers, cursor) : levels;
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
