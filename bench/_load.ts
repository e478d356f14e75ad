/**
 * Driving a function with many calls in flight, and what a round of that tells.
 *
 * @module
 */

import process from "node:process";

/** One round: so many calls, and how long they took. */
export interface Round {
  /** How many calls there were. */
  readonly calls: number;
  /** From the first to the end of the last, in milliseconds. */
  readonly ms: number;
  /** Processor time of this process, in microseconds. NaN where another one makes the calls. */
  readonly ownUs: number;
  /** What every so manyth call took, in microseconds. */
  readonly latenciesUs: readonly number[];
}

/** Something that is measured. It is asked for rounds, in turn with others. */
export interface Contender {
  /** What it is called in tables. */
  readonly name: string;
  /** The least number of calls that makes a round. */
  readonly least: number;
  /** Commands that it sends to Redis beside scripts, in lower case. */
  readonly commands: readonly string[];
  /** Makes so many calls. */
  round(calls: number): Promise<Round>;
  /** Ends it. */
  close(): Promise<void>;
}

/** Options of {@linkcode inFlight}. */
export interface InFlightOptions {
  /** How many calls are under way at any time. */
  readonly lanes: number;
  /** Makes one call; the number counts all calls from 0. */
  readonly call: (i: number) => Promise<unknown>;
  /** Looks at the result of one call in each round; throws if it is not what the bench is about. */
  readonly verify?: (result: unknown) => void;
  /** Commands that it sends to Redis beside scripts, in lower case. @default {[]} */
  readonly commands?: readonly string[];
  /** Ends it. */
  readonly close?: () => Promise<unknown>;
}

/** Of a round, the first call and every so manyth are timed: a clock reading costs as much as some of the calls. */
const TIMED_EVERY = 61;

/** After so many calls, the event loop has a turn: what is decided without a round trip would never let it. */
const TURN_EVERY = 4_096;

/** A contender that keeps a number of calls under way: each lane makes a call as soon as its last one is done. */
export function inFlight(name: string, { lanes, call, verify, commands = [], close }: InFlightOptions): Contender {
  let from = 0;
  return {
    name,
    least: lanes,
    commands,
    async round(calls) {
      const end = from + calls;
      const latenciesUs: number[] = [];
      let next = from;
      let turn: Promise<void> | undefined;
      async function lane(): Promise<unknown> {
        let result: unknown;
        while (next < end) {
          const i = next++;
          if (i % TURN_EVERY === 0) turn = eventLoopTurn().then(() => turn = undefined);
          if (turn !== undefined) await turn;
          if ((i - from) % TIMED_EVERY !== 0) result = await call(i);
          else {
            const startMs = performance.now();
            result = await call(i);
            latenciesUs.push((performance.now() - startMs) * 1_000);
          }
        }
        return result;
      }
      const before = process.cpuUsage();
      const startMs = performance.now();
      const results = await Promise.all(Array.from({ length: Math.min(lanes, calls) }, lane));
      const ms = performance.now() - startMs;
      const { user, system } = process.cpuUsage(before);
      from = end;
      if (verify !== undefined) results.filter((result) => result !== undefined).slice(0, 1).forEach(verify);
      return { calls, ms, ownUs: user + system, latenciesUs };
    },
    async close() {
      await close?.();
    },
  };
}

/**
 * A contender whose calls return no promise, one after the other. Where one returns undefined, it is made again in the next
 * turn of the event loop.
 */
export function atOnce(
  name: string,
  call: (i: number) => unknown,
  close: () => Promise<unknown> = () => Promise.resolve(),
): Contender {
  let from = 0;
  return {
    name,
    least: 1,
    commands: [],
    async round(calls) {
      const before = process.cpuUsage();
      const startMs = performance.now();
      for (let i = from; i < from + calls;) {
        for (const end = Math.min(i + TURN_EVERY, from + calls); i < end && call(i) !== undefined;) i++;
        await eventLoopTurn();
      }
      from += calls;
      const { user, system } = process.cpuUsage(before);
      return { calls, ms: performance.now() - startMs, ownUs: user + system, latenciesUs: [] };
    },
    async close() {
      await close();
    },
  };
}

/** A value of a sorted or unsorted list: 0.5 is the median. NaN where the list is empty. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
