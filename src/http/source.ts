/**
 * Where the limiters of a guard come from: an instance, the default instance, or one limiter alone.
 *
 * @module
 */

import { maxWaitUs } from "../limiter/call_options.ts";
import type { Limiter } from "../limiter/limiter.ts";
import { atStore } from "../limiter/store_access.ts";
import type { Decision, Permit } from "../decision/decision.ts";
import type { WaitOptions } from "../limiter/rate_limited.ts";
import type { AskFor } from "../registry/combined_call.ts";
import * as byDefault from "../registry/default_instance.ts";
import { ready, readyAtOnce } from "../registry/default_state.ts";
import type { HttpConfig } from "../registry/options.ts";
import type { RateSync } from "../registry/rate_sync.ts";

/** What a request is charged at one limiter, under one key. */
export interface Charge {
  /** The limiter's id. */
  readonly limiter: string;
  /** The key; `undefined` for the limiter as a whole. */
  readonly key: string | undefined;
  /** What kind of key it is; undefined where that is not known. */
  readonly keyClass: string | undefined;
  /** Units, from 0. */
  readonly cost: number;
}

/** The limiters that a guard checks. What throws here rejects where a promise is returned. */
export interface LimiterSource {
  /** A limiter, by its id. */
  limiter(id: string): Limiter | Promise<Limiter>;
  /** Decides now: takes all charges, or none. Without a promise where the store is in this process. */
  decide(charges: readonly Charge[]): Decision | Promise<Decision>;
  /** Waits until all charges can be taken. */
  wait(charges: readonly Charge[], options: WaitOptions): Promise<Permit>;
  /** What the configuration says about HTTP. */
  http(): HttpConfig | Promise<HttpConfig>;
}

/** The limiters of an instance. */
export function fromInstance(instance: RateSync): LimiterSource {
  return {
    limiter: (id) => instance.limiter(id),
    decide: (charges) => decideAt(instance, charges),
    wait: (charges, options) => instance.acquireAll(charges.map(requestOf), options),
    http: () => instance.http,
  };
}

/** The limiters of the default instance, which reads its configuration at the first request. */
export function fromDefault(): LimiterSource {
  return {
    limiter: (id) => withDefault(id, (instance) => instance.limiter(id)),
    decide: (charges) => withDefault(charges[0]?.limiter, (instance) => decideAt(instance, charges)),
    wait: (charges, options) => byDefault.acquireAll(charges.map(requestOf), options),
    http: () => withDefault(undefined, ({ http }) => http),
  };
}

/** One limiter. */
export function fromLimiter(limiter: Limiter): LimiterSource {
  const targetsOf = (charges: readonly Charge[]) => charges.map((charge) => limiter.target(requestOf(charge)));
  return {
    limiter: () => limiter,
    decide(charges) {
      const alone = aloneOf(charges);
      if (alone !== undefined) return limiter.decide(alone.key, alone.cost, alone.keyClass);
      const targets = targetsOf(charges);
      return atStore(limiter.access, (store) => store.verbs.tryAcquireAll(store, limiter.access, targets));
    },
    wait: async (charges, { timeoutMs, signal }) => {
      signal?.throwIfAborted();
      const limit = { maxWaitUs: maxWaitUs(timeoutMs, [limiter.policy]), signal };
      const targets = targetsOf(charges);
      return await atStore(limiter.access, (store) => store.verbs.acquireAll(store, limiter.access, targets, limit));
    },
    http: () => ({}),
  };
}

function decideAt(instance: RateSync, charges: readonly Charge[]): Decision | Promise<Decision> {
  const alone = aloneOf(charges);
  return alone === undefined
    ? instance.tryAcquireAll(charges.map(requestOf))
    : instance.limiter(alone.limiter).decide(alone.key, alone.cost, alone.keyClass);
}

/** A charge as the options of a call: those have nothing that they need not. */
function requestOf({ limiter, key, keyClass, cost }: Charge): AskFor {
  return {
    limiter,
    cost,
    ...(key === undefined ? {} : { key }),
    ...(keyClass === undefined ? {} : { keyClass }),
  };
}

/** The only charge, where there is one. */
function aloneOf(charges: readonly Charge[]): Charge | undefined {
  return charges.length === 1 ? charges[0] : undefined;
}

function withDefault<Result>(
  limiter: string | undefined,
  use: (instance: RateSync) => Result | Promise<Result>,
): Result | Promise<Result> {
  const instance = readyAtOnce(limiter);
  return instance === undefined ? ready(limiter).then(use) : use(instance);
}
