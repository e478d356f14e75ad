/**
 * What limiters decide, from nothing but the definitions in docs/limits.md: slowly, from all that was allowed before,
 * and without any code of the package.
 *
 * @module
 */

import type { LimitOptions } from "../../src/policy/options.ts";

/** A call that was allowed. */
interface Take {
  readonly atUs: number;
  readonly cost: number;
}

/** Whether a limit allows a cost at a time, after what it has allowed before. */
function allows(limit: LimitOptions, taken: readonly Take[], atUs: number, cost: number): boolean {
  switch (limit.algorithm ?? "token_bucket") {
    case "token_bucket":
      return bucketAllows(limit, taken, atUs, cost);
    case "sliding_window":
      return slidingAllows(limit, taken, atUs, cost);
    case "fixed_window":
      return fixedAllows(limit, taken, atUs, cost);
    default:
      return counterAllows(limit, taken, atUs, cost);
  }
}

/** The bucket refills steadily, and never holds more than its burst. Levels are in units times microseconds: whole. */
function bucketAllows({ ratePerSecond, burst = 1 }: LimitOptions, taken: readonly Take[], atUs: number, cost: number) {
  // A rate of 1/2 a second: 1 unit in 2 000 000 µs. All rates of the tests are of this kind.
  const [units, periodUs] = Number(ratePerSecond) < 1
    ? [1n, BigInt(Math.round(1e6 / Number(ratePerSecond)))]
    : [BigInt(Number(ratePerSecond)), 1_000_000n];
  const full = BigInt(burst) * periodUs;
  let level = full;
  let sinceUs = taken[0]?.atUs ?? atUs;
  const refill = (untilUs: number) => {
    level += BigInt(untilUs - sinceUs) * units;
    if (level > full) level = full;
    sinceUs = untilUs;
  };
  for (const take of taken) {
    refill(take.atUs);
    level -= BigInt(take.cost) * periodUs;
  }
  refill(atUs);
  return level >= BigInt(cost) * periodUs;
}

/** No window of that length holds more. */
function slidingAllows({ limit, windowMs }: LimitOptions, taken: readonly Take[], atUs: number, cost: number) {
  const recent = taken.filter((take) => take.atUs > atUs - Number(windowMs) * 1_000);
  return sum(recent) + cost <= Number(limit);
}

/** A window begins with the first unit after the last window. */
function fixedAllows({ limit, windowMs }: LimitOptions, taken: readonly Take[], atUs: number, cost: number) {
  let startUs = -Infinity;
  for (const take of taken) if (take.atUs >= startUs + Number(windowMs) * 1_000) startUs = take.atUs;
  if (atUs >= startUs + Number(windowMs) * 1_000) return cost <= Number(limit);
  return sum(taken.filter((take) => take.atUs >= startUs)) + cost <= Number(limit);
}

/** What was taken in the window before fades steadily; windows follow each other while the last one has not faded out. */
function counterAllows({ limit, windowMs }: LimitOptions, taken: readonly Take[], atUs: number, cost: number) {
  const windowUs = Number(windowMs) * 1_000;
  let startUs = -Infinity;
  const goTo = (us: number) => {
    if (us >= startUs + 2 * windowUs) startUs = us;
    else if (us >= startUs + windowUs) startUs += windowUs;
  };
  for (const take of taken) goTo(take.atUs);
  goTo(atUs);
  const current = sum(taken.filter((take) => take.atUs >= startUs));
  const previous = sum(taken.filter((take) => take.atUs >= startUs - windowUs && take.atUs < startUs));
  const left = BigInt(startUs + windowUs - atUs);
  return BigInt(previous) * left <= BigInt(Number(limit) - cost - current) * BigInt(windowUs);
}

function sum(taken: readonly Take[]): number {
  return taken.reduce((total, { cost }) => total + cost, 0);
}

/** One limiter, by key. */
export class Oracle {
  readonly #limits: readonly LimitOptions[];
  readonly #taken = new Map<string, Take[]>();

  /** @param limits Limits that must all allow a call. */
  constructor(limits: readonly LimitOptions[]) {
    this.#limits = limits;
  }

  /** Whether a call is allowed; if so, it is taken. */
  decide(key: string, atUs: number, cost: number): boolean {
    const taken = this.#taken.get(key) ?? [];
    this.#taken.set(key, taken);
    const isAllowed = this.#limits.every((limit) => allows(limit, taken, atUs, cost));
    if (isAllowed) taken.push({ atUs, cost });
    return isAllowed;
  }
}
