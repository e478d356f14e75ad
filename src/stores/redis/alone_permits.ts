/**
 * A request that is alone in its call, and is about a permit and a rate: what `_alone_request.lua` reads and answers.
 *
 * @module
 */

import type { StoreRequest, TakeReply, TakeRequest, Target, TargetLevel } from "../store.ts";
import { bucketHeaderOf } from "./bucket_header.ts";
import type { NamedRequest } from "./named_request.ts";
import { isPlain } from "./rules.ts";

/** What the arguments of such a call begin with, behind the clock. */
export interface AloneRequest {
  /** What kind of request it is. */
  readonly letter: "R" | "T" | "A" | "B";
  /** Its id. */
  readonly id: string;
  /** What a take needs besides: the words on the permit, and those on the bucket. */
  readonly words: readonly string[];
}

/** How a request is written that may be decided in front of the long way; undefined if it may not. */
export function aloneRequest({ request, rules }: NamedRequest): AloneRequest | undefined {
  const { targets } = request;
  if (!rules.every((own) => own.isAlone && isPlain(own))) return undefined;
  if (request.op === "release") {
    const [target, ...others] = targets as [Target, ...Target[]];
    const isOne = others.length === 0 && target.permits === 1 && target.policy.maxConcurrent > 0;
    return isOne ? { letter: "R", id: request.id, words: [] } : undefined;
  }
  if (request.op !== "take" || request.mode === "peek" || request.arrivalUs > 0 || targets.length > 2) return undefined;
  const rated = targets.findIndex(isBucket);
  const held = targets.findIndex(({ policy }) => policy.maxConcurrent > 0);
  if (rated < 0 || held < 0 || targets.some((target, i) => i !== held && target.policy.maxConcurrent > 0)) {
    return undefined;
  }
  if (targets.some((target, i) => i !== rated && target.policy.rates.length > 0)) return undefined;
  const { permits, policy: { leaseTtlUs, maxConcurrent } } = targets[held] as Target;
  if (permits !== 1) return undefined;
  const { args } = bucketHeaderOf(NOW, targets[rated] as Target);
  return {
    letter: targets.length === 1 ? "T" : rated === 0 ? "A" : "B",
    id: request.id,
    words: [`${leaseTtlUs} ${maxConcurrent}`, args.join(" ")],
  };
}

/** Such a take has a permit at once, or none. */
const NOW = { mode: "now", maxWaitUs: 0 } as TakeRequest;

function isBucket({ policy: { rates } }: Target): boolean {
  return rates.length === 1 && rates[0]?.algorithm === "token_bucket";
}

/** Whether a number in place of a reply is one of those that answer such a take. */
export function hasRates({ targets }: StoreRequest): boolean {
  return targets.some(({ policy }) => policy.rates.length > 0);
}

/** Reads the numbers that answer a take: the clock, permits in use, µs until one falls free, and where the bucket stands. */
export function readAloneTake({ targets }: StoreRequest, numbers: readonly number[]): TakeReply {
  const [nowUs, used, freeInUs, levelUs, levelRem] = numbers as [number, number, number, number, number];
  const levels = targets.map(({ policy: { rates, maxConcurrent } }): TargetLevel => ({
    rates: rates.map(() => [levelUs, levelRem] as const),
    permits: maxConcurrent > 0 ? { used, freeInUs, fence: nowUs } : undefined,
  }));
  return { status: "allowed", nowUs, waitUs: 0, arrivalUs: 0, levels };
}
