/**
 * One limiter's part in a call.
 *
 * @module
 */

import type { Policy } from "../policy/policy.ts";
import { localPolicy } from "../policy/share.ts";
import type { Target } from "../stores/store.ts";
import type { Subscriptions } from "./observe/events.ts";
import type { MetricsRecorder } from "./observe/metrics.ts";

/** One limiter's part in a call: what is asked of it, and who hears of the answer. */
export class Party implements Target {
  /** The limiter's id. */
  readonly limiter: string;
  /** Who is limited; undefined for the limiter as a whole. */
  readonly key: string | undefined;
  /** The limiter's rules. */
  readonly policy: Policy;
  /** Units to take from every rate. */
  readonly cost: number;
  /** Slots to take. */
  readonly slots: number;
  /** Its counts. */
  readonly metrics: MetricsRecorder;
  /** Its subscribers. */
  readonly events: Subscriptions;

  /**
   * Makes one. Of a class: objects that are written in place grow old where many are alive at once.
   *
   * @param limiter The limiter's id.
   * @param key Who is limited.
   * @param policy The limiter's rules.
   * @param cost Units to take.
   * @param metrics Its counts.
   * @param events Its subscribers.
   */
  constructor(
    limiter: string,
    key: string | undefined,
    policy: Policy,
    cost: number,
    metrics: MetricsRecorder,
    events: Subscriptions,
  ) {
    this.limiter = limiter;
    this.key = key;
    this.policy = policy;
    this.cost = cost;
    this.slots = policy.maxConcurrent === 0 ? 0 : policy.rates.length === 0 ? cost : 1;
    this.metrics = metrics;
    this.events = events;
  }

  /** The same on the limits that this process applies alone. */
  onLocalLimits(): Party {
    const { limiter, key, policy, cost, metrics, events } = this;
    return new Party(limiter, key, localPolicy(policy), cost, metrics, events);
  }
}

/**
 * The same call on the limits that this process applies alone. Undefined if it asks for more than they can ever grant.
 */
export function localParties(parties: readonly Party[]): readonly Party[] | undefined {
  if (parties.every(({ policy }) => policy.localShare === 1)) return parties;
  const local = parties.map((party) => party.onLocalLimits());
  const fits = local.every(({ cost, slots, policy }) => {
    return cost <= policy.capacity && (policy.maxConcurrent === 0 || slots <= policy.maxConcurrent);
  });
  return fits ? local : undefined;
}
