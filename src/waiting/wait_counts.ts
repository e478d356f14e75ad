/**
 * How many calls of this process wait for the rate of a key, for limiters with `maxWaiters`.
 *
 * @module
 */

import { shortKey } from "../base/short_key.ts";
import type { Target } from "../stores/store.ts";

/** Counts by limiter and key. Targets without a bound are not counted, nor those with permits: the store counts them. */
export class WaitCounts {
  readonly #counts = new Map<string, number>();

  /** Whether one of the targets has as many waiters as it may have. */
  isFull(targets: readonly Target[]): boolean {
    for (const target of targets) {
      const { maxWaiters } = target.policy;
      if (maxWaiters !== Infinity && (this.#counts.get(nameOf(target)) ?? 0) >= maxWaiters) return true;
    }
    return false;
  }

  /**
   * Counts a call for as long as it waits.
   *
   * @returns Ends the count; to be called once. Undefined if no target has a bound.
   */
  add(targets: readonly Target[]): (() => void) | undefined {
    let names: string[] | undefined;
    for (const target of targets) {
      if (target.policy.maxWaiters !== Infinity && target.permits === 0) (names ??= []).push(nameOf(target));
    }
    if (names === undefined) return undefined;
    for (const name of names) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    return () => {
      for (const name of names) {
        const left = (this.#counts.get(name) ?? 0) - 1;
        if (left > 0) this.#counts.set(name, left);
        else this.#counts.delete(name);
      }
    };
  }
}

function nameOf({ limiter, key }: Target): string {
  return JSON.stringify([limiter, shortKey(key)]);
}
