/**
 * Functions that run under a limiter.
 *
 * @module
 */

import { show } from "../base/text.ts";
import type { AcquireOptions } from "./call_options.ts";

/** How long a call may wait. */
export type WaitOptions = Pick<AcquireOptions, "timeoutMs" | "signal">;

/** How a function is limited. */
export interface RateLimitedOptions<Id extends string, Args extends unknown[]> extends WaitOptions {
  /** The limiter's id. */
  readonly limiter: Id;
  /** Gives the key, from the function's arguments. */
  readonly key?: (...args: Args) => string;
  /** What kind of key it is: see `AskOptions.keyClass`. @default `key`, or `none` without a key */
  readonly keyClass?: string;
  /** Gives the cost, from the function's arguments. @default {1} */
  readonly cost?: (...args: Args) => number;
}

/** Wraps a function so that it runs under a limiter. It keeps its name, its number of arguments, and `this`. */
export function rateLimited<Id extends string, Args extends unknown[], Result>(
  fn: (...args: Args) => Result | Promise<Result>,
  options: RateLimitedOptions<Id, Args>,
  run: (limiter: Id, fn: () => Result | Promise<Result>, options: AcquireOptions) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  if (typeof fn !== "function") {
    throw new TypeError(`Cannot limit a function: expected one as the first argument, received ${show(fn)}`);
  }
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot limit a function: expected options that name a limiter, received ${show(options)}`);
  }
  const { limiter, key, cost, ...wait } = options;
  if (typeof limiter !== "string") {
    throw new TypeError(`Cannot limit a function: limiter must be the id of a limiter, received ${show(limiter)}`);
  }
  for (const [name, value] of Object.entries({ key, cost })) {
    if (value === undefined || typeof value === "function") continue;
    throw new TypeError(
      `Cannot limit a function: ${name} must be a function of its arguments, received ${show(value)}`,
    );
  }
  const limited = async function (this: unknown, ...args: Args): Promise<Result> {
    const call: AcquireOptions = {
      ...wait,
      ...(key === undefined ? {} : { key: key(...args) }),
      ...(cost === undefined ? {} : { cost: cost(...args) }),
    };
    return await run(limiter, () => fn.apply(this, args), call);
  };
  Object.defineProperty(limited, "name", { value: fn.name });
  Object.defineProperty(limited, "length", { value: fn.length });
  return limited;
}
