/**
 * What calls of a limiter take from.
 *
 * @module
 */

import { type NamedPolicy, permitsOf, type Policy } from "../policy/policy.ts";
import { localPolicy } from "../policy/share.ts";
import type { LevelLeft, TakeRequest, Target } from "../stores/store.ts";
import { checkKeyClass, maxWaitUs } from "./call_options.ts";
import type { Recorder } from "../observe/recorder.ts";

/** The most classes of keys that a limiter tells apart: they are labels of metrics. */
const MOST_CLASSES = 100;

/** The class of keys of any further one. */
const OTHER = "other";

/** A limiter under its present rules. */
export class LimiterRules implements NamedPolicy {
  /** The limiter's id. */
  readonly limiter: string;
  /** Its rules. */
  readonly policy: Policy;
  /** Counts its calls. */
  readonly recorder: Recorder;
  /** What kind of keys its calls have; undefined where they do not say. */
  readonly keyClass: string | undefined;
  /** How long calls may wait that do not say. */
  readonly maxWaitUs: number;
  /** Itself, as a list: what decisions on one key say. */
  readonly named: readonly [LimiterRules] = [this];
  /** A request about this moment, for a store that keeps nothing of it: each call changes it. */
  now: TakeNow;
  #classes: Map<string, LimiterRules> | undefined;
  #newest: readonly [LimiterTarget] | undefined;

  constructor(policy: Policy, recorder: Recorder, keyClass?: string) {
    this.limiter = recorder.limiter;
    this.policy = policy;
    this.recorder = recorder;
    this.keyClass = keyClass;
    this.maxWaitUs = maxWaitUs(undefined, [policy]);
    this.now = new TakeNow(this.limiter, policy);
  }

  /**
   * The same rules, for calls on keys of a class.
   *
   * @throws {TypeError} If it is no class of a key.
   */
  of(keyClass: string | undefined): LimiterRules {
    if (keyClass === undefined) return this;
    return this.#classes?.get(keyClass) ?? this.#add(keyClass);
  }

  #add(keyClass: string): LimiterRules {
    checkKeyClass(this.limiter, keyClass);
    const classes = this.#classes ??= new Map();
    if (classes.size >= MOST_CLASSES && keyClass !== OTHER) return this.of(OTHER);
    const rules = new LimiterRules(this.policy, this.recorder, keyClass);
    classes.set(keyClass, rules);
    return rules;
  }

  /** The store keeps that request after all. */
  lendRequest(): void {
    this.now = new TakeNow(this.limiter, this.policy);
  }

  /** The target of a call on this limiter alone. A call on the same key as the last one has the same target. */
  targetsOf(key: string | undefined, cost: number): readonly [LimiterTarget] {
    const newest = this.#newest;
    if (newest !== undefined && newest[0].key === key && newest[0].cost === cost) return newest;
    return this.#newest = [new LimiterTarget(this.limiter, key, this.policy, cost, this.recorder, this.keyClass)];
  }
}

/** One key of one limiter, what a call takes from it, and who counts that. */
export class LimiterTarget implements Target {
  readonly limiter: string;
  readonly key: string | undefined;
  readonly policy: Policy;
  readonly cost: number;
  readonly permits: number;
  /** Counts the calls of the limiter. */
  readonly recorder: Recorder;
  /** What kind of key it is; undefined where the call does not say. */
  readonly keyClass: string | undefined;

  // A class: V8 may come to make objects of a literal in the old generation, where everything that they hold grows old.
  constructor(
    limiter: string,
    key: string | undefined,
    policy: Policy,
    cost: number,
    recorder: Recorder,
    keyClass: string | undefined,
  ) {
    this.limiter = limiter;
    this.key = key;
    this.policy = policy;
    this.cost = cost;
    this.permits = permitsOf(policy, cost);
    this.recorder = recorder;
    this.keyClass = keyClass;
  }
}

/** A request that is used again and again. */
export class TakeNow implements TakeRequest {
  readonly op = "take";
  readonly mode = "now";
  readonly maxWaitUs = 0;
  readonly id = "";
  readonly arrivalUs = 0;
  readonly times = undefined;
  /** What the last take left behind, where the store answers with no more than that. */
  readonly left: LevelLeft = { nowUs: 0, first: 0, second: 0 };
  /** The key and the cost of a call that takes no permit: then the only one of the targets. */
  readonly target: { limiter: string; policy: Policy; key: string | undefined; cost: number; permits: 0 };
  targets: readonly [Target];

  constructor(limiter: string, policy: Policy) {
    this.target = { limiter, policy, key: undefined, cost: 1, permits: 0 };
    this.targets = [this.target];
  }
}

/** The same on the limits that this process applies alone. Undefined if a call asks for more than they can ever grant. */
export function onLocalLimits(targets: readonly LimiterTarget[]): readonly LimiterTarget[] | undefined {
  if (targets.every(({ policy }) => policy.localShare === 1)) return targets;
  const local = targets.map(({ limiter, key, policy, cost, recorder, keyClass }) => {
    return new LimiterTarget(limiter, key, localPolicy(policy), cost, recorder, keyClass);
  });
  const fits = local.every(({ cost, permits, policy }) => {
    return cost <= policy.capacity && (policy.maxConcurrent === 0 || permits <= policy.maxConcurrent);
  });
  return fits ? local : undefined;
}
