/**
 * Rules of limiters that have changed while calls wait and permits are held.
 *
 * @module
 */

import { inMicrotask } from "../base/turn.ts";
import { permitsOf, type Policy } from "../policy/policy.ts";
import type { Target } from "../stores/store.ts";

/** The rules that have changed since a store was opened. */
export class ChangedRules {
  readonly #policies = new Map<string, Policy>();
  /** Limiters for which calls have been answered in this turn by rules that have changed since. */
  readonly #late = new Set<string>();

  /** From now on, these are the rules of a limiter. */
  adopt(limiter: string, policy: Policy): void {
    this.#policies.set(limiter, policy);
  }

  /** Calls back once in this turn for each limiter whose rules are not those of a target any more. */
  adoptLate(targets: readonly Target[], onLate: (limiter: string) => void): void {
    for (const target of targets) {
      if (this.current(target) === target || this.#late.has(target.limiter)) continue;
      this.#late.add(target.limiter);
      inMicrotask(() => {
        this.#late.delete(target.limiter);
        onLate(target.limiter);
      });
    }
  }

  /** All of them as `current`. */
  currentAll<Each extends Target>(targets: readonly Each[]): readonly Each[] {
    return this.#policies.size === 0 ? targets : targets.map((target) => this.current(target));
  }

  /** What a new call for the same cost would take, by the present rules of the limiter. */
  current<Each extends Target>(target: Each): Each {
    const policy = this.#policies.get(target.limiter);
    if (policy === undefined || policy === target.policy) return target;
    return { ...target, policy, permits: permitsOf(policy, target.cost) };
  }

  /** Whether a place in the queue for these targets is of no use by the present rules: the call must ask anew. */
  endsPlace(targets: readonly Target[]): boolean {
    return this.#policies.size > 0 && targets.some((target) => {
      const { permits, policy } = this.current(target);
      return permits !== target.permits || policy.keyShards !== target.policy.keyShards ||
        target.cost > policy.capacity;
    });
  }

  /** All of them as `held`. */
  heldAll<Each extends Target>(targets: readonly Each[]): readonly Each[] {
    return this.#policies.size === 0 ? targets : targets.map((target) => this.held(target));
  }

  /** A target of which permits are held, by the present rules of its limiter, if they name the same keys; else as it is. */
  held<Each extends Target>(target: Each): Each {
    const policy = this.#policies.get(target.limiter);
    if (policy === undefined || policy === target.policy) return target;
    const isAlike = (policy.maxConcurrent > 0) === (target.policy.maxConcurrent > 0) &&
      policy.keyShards === target.policy.keyShards && target.cost <= policy.capacity;
    return isAlike ? { ...target, policy, permits: Math.min(target.permits, policy.maxConcurrent) } : target;
  }
}
