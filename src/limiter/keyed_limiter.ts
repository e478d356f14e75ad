/**
 * A limiter for one key.
 *
 * @module
 */

import { brand } from "../base/brand.ts";
import { showAs, shownKey } from "../base/inspect.ts";
import type { AcquireOptions } from "./call_options.ts";
import type { Charge } from "./corrections.ts";
import type { Decision } from "./result/decision.ts";
import type { Limiter } from "./limiter.ts";
import type { Permit } from "./result/decision.ts";
import type { Reservation } from "./result/reservation.ts";

/** The options of a call, without the key. */
export type Keyless<Options> = Omit<Options, "key">;

/** A limiter for one key, with the same calls. It costs nothing to make, and need not be closed. */
export class KeyedLimiter {
  static {
    brand(this, "KeyedLimiter");
  }

  /** The limiter. */
  readonly limiter: Limiter;
  /** The key. */
  readonly key: string;

  /**
   * Use `limiter.for(key)`, which does the same.
   *
   * @param limiter The limiter.
   * @param key The key.
   */
  constructor(limiter: Limiter, key: string) {
    this.limiter = limiter;
    this.key = key;
  }

  /** As `Limiter.acquire`. */
  acquire(options: Keyless<AcquireOptions> = {}): Promise<Permit> {
    return this.limiter.acquire({ ...options, key: this.key });
  }

  /** As `Limiter.tryAcquire`. */
  tryAcquire(options: { readonly cost?: number } = {}): Promise<Decision> {
    return this.limiter.tryAcquire({ ...options, key: this.key });
  }

  /** As `Limiter.peek`. */
  peek(options: { readonly cost?: number } = {}): Promise<Decision> {
    return this.limiter.peek({ ...options, key: this.key });
  }

  /** As `Limiter.reserve`. */
  reserve(options: Keyless<AcquireOptions> = {}): Promise<Reservation> {
    return this.limiter.reserve({ ...options, key: this.key });
  }

  /** As `Limiter.run`. */
  run<Result>(
    fn: (permit: Permit) => Result | Promise<Result>,
    options: Keyless<AcquireOptions> = {},
  ): Promise<Result> {
    return this.limiter.run(fn, { ...options, key: this.key });
  }

  /** As `Limiter.reset`. */
  reset(): Promise<void> {
    return this.limiter.reset({ key: this.key });
  }

  /** As `Limiter.refund`. */
  refund(units: number): Promise<void> {
    return this.limiter.refund(units, { key: this.key });
  }

  /** As `Limiter.penalize`. */
  penalize(units: number): Promise<Charge> {
    return this.limiter.penalize(units, { key: this.key });
  }

  /** As `Limiter.block`. */
  block(durationMs: number): Promise<void> {
    return this.limiter.block(durationMs, { key: this.key });
  }
}

showAs(KeyedLimiter.prototype, "KeyedLimiter", ({ limiter, key }) => ({ limiter: limiter.id, key: shownKey(key) }));
