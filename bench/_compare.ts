/**
 * Rounds of several contenders in turn, so that what disturbs the machine disturbs them all.
 *
 * @module
 */

import { type Contender, percentile, type Round } from "./_load.ts";
import type { Probe, ServerWork } from "./_probe.ts";

/** How long everything takes. */
export interface Pace {
  /** How long each contender runs before it is measured, in milliseconds. */
  readonly warmUpMs: number;
  /** How long a round is, roughly, in milliseconds. */
  readonly roundMs: number;
  /** How many rounds each contender has. */
  readonly rounds: number;
}

/** What was measured: medians of the rounds. */
export interface Measured {
  /** The contender's name. */
  readonly name: string;
  /** Calls a second. */
  readonly perSecond: number;
  /** The median of how long a call took, in microseconds. */
  readonly p50Us: number;
  /** The 99th percentile of that. */
  readonly p99Us: number;
  /** Commands that reached Redis, for each call. NaN without a probe. */
  readonly commands: number;
  /** What these took by `INFO commandstats`, for each call, in microseconds. NaN without a probe. */
  readonly commandUs: number;
  /** Processor time of this process, for each call, in microseconds. */
  readonly ownUs: number;
  /** What Redis took in all, for each call, in microseconds. NaN without a probe. */
  readonly redisUs: number;
  /** Calls a second in each round. */
  readonly rounds: readonly number[];
  /** Processor time of this process in each round, for each call, in microseconds. */
  readonly roundsUs: readonly number[];
}

const NO_WORK: ServerWork = { commands: NaN, commandUs: NaN, cpuUs: NaN };

/**
 * Measures contenders side by side.
 *
 * @param contenders What to measure. Every second turn goes through them backwards.
 * @param pace For how long.
 * @param probe Tells what each round cost Redis.
 */
export async function compare(
  contenders: readonly Contender[],
  pace: Pace,
  probe?: Pick<Probe, "reset" | "read">,
): Promise<Measured[]> {
  const calls = new Map<Contender, number>();
  const rounds = new Map<Contender, [Round, ServerWork][]>();
  for (const contender of contenders) {
    calls.set(contender, await callsOfRound(contender, pace));
    rounds.set(contender, []);
  }
  for (let turn = 0; turn < pace.rounds; turn++) {
    for (const contender of turn % 2 === 0 ? contenders : contenders.toReversed()) {
      await probe?.reset();
      const round = await contender.round(calls.get(contender) as number);
      rounds.get(contender)?.push([round, await probe?.read(contender.commands) ?? NO_WORK]);
    }
  }
  return contenders.map((contender) => summary(contender.name, rounds.get(contender) ?? []));
}

/** A pace, or the shortest there is where tiny counts will do. */
export function paceOf(quick: boolean, pace: Pace): Pace {
  return quick ? { warmUpMs: 1, roundMs: 5, rounds: 1 } : pace;
}

/** How much faster one was than the other: the median of what the rounds say that were beside each other. */
export function ratio(one: Measured | undefined, other: Measured | undefined): number | undefined {
  if (one === undefined || other === undefined) return undefined;
  return percentile(one.rounds.map((perSecond, i) => perSecond / (other.rounds[i] as number)), 0.5);
}

/** How much more processor time one took than the other, for each call: the median of rounds that were beside each other. */
export function excessUs(one: Measured | undefined, other: Measured | undefined): number | undefined {
  if (one === undefined || other === undefined) return undefined;
  return percentile(one.roundsUs.map((us, i) => us - (other.roundsUs[i] as number)), 0.5);
}

/** Warms up, and finds how many calls fill a round. */
async function callsOfRound(contender: Contender, { warmUpMs, roundMs }: Pace): Promise<number> {
  await contender.round(contender.least); // connects, among other things
  for (let calls = contender.least;; calls *= 2) {
    const { ms } = await contender.round(calls);
    if (ms >= warmUpMs / 2) return Math.max(contender.least, Math.round(calls / ms * roundMs));
  }
}

function summary(name: string, rounds: readonly [Round, ServerWork][]): Measured {
  const median = (value: (round: Round, work: ServerWork) => number) =>
    percentile(rounds.map(([round, work]) => value(round, work)), 0.5);
  const latenciesUs = rounds.flatMap(([round]) => round.latenciesUs);
  return {
    name,
    perSecond: median(({ calls, ms }) => calls / ms * 1_000),
    p50Us: percentile(latenciesUs, 0.5),
    p99Us: percentile(latenciesUs, 0.99),
    commands: median(({ calls }, { commands }) => commands / calls),
    commandUs: median(({ calls }, { commandUs }) => commandUs / calls),
    ownUs: median(({ calls, ownUs }) => ownUs / calls),
    redisUs: median(({ calls }, { cpuUs }) => cpuUs / calls),
    rounds: rounds.map(([{ calls, ms }]) => calls / ms * 1_000),
    roundsUs: rounds.map(([{ calls, ownUs }]) => ownUs / calls),
  };
}
