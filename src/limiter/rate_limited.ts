/**
 * Functions that run under a limiter.
 *
 * @module
 */

import type { AcquireOptions } from "./call_options.ts";

/** How long a call may wait. */
export type WaitOptions = Pick<AcquireOptions, "timeoutMs" | "signal">;

/** How a function is limited. */
export interface RateLimitedOptions<Id extends string, Args extends unknown[]> extends WaitOptions {
  /** The limiter's id. */
  readonly limiter: Id;
  /** Who is limited, from the function's arguments. */
  readonly key?: (...args: Args) => string;
  /** The cost, from the function's arguments. @default 1 */
  readonly cost?: (...args: Args) => number;
}

/** Wraps a function so that it runs under a limiter. It keeps its name, its number of arguments, and `this`. */
export function rateLimited<Id extends string, Args extends unknown[], Result>(
  fn: (...args: Args) => Result | Promise<Result>,
  { limiter, key, cost, ...wait }: RateLimitedOptions<Id, Args>,
  run: (limiter: Id, fn: () => Result | Promise<Result>, options: AcquireOptions) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  const limited = async function (this: unknown, ...args: Args): Promise<Result> {
    const options: AcquireOptions = {
      ...wait,
      ...(key === undefined ? {} : { key: key(...args) }),
      ...(cost === undefined ? {} : { cost: cost(...args) }),
    };
    return await run(limiter, () => fn.apply(this, args), options);
  };
  Object.defineProperty(limited, "name", { value: fn.name });
  Object.defineProperty(limited, "length", { value: fn.length });
  return limited;
}
