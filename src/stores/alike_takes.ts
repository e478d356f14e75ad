/**
 * What alike takes have in common, worked out once and kept.
 *
 * @module
 */

import type { Policy } from "../policy/policy.ts";
import type { TakeRequest, Target } from "./store.ts";

/** What the takes of a group have in common. */
export interface GroupHeader {
  /** The rules. */
  readonly policy: Policy;
  /** When to decide. */
  readonly mode: TakeRequest["mode"];
  /** The longest acceptable wait, in microseconds. */
  readonly maxWaitUs: number;
  /** Units of one take. */
  readonly cost: number;
  /** How many takes may be one entry. */
  readonly maxTimes: number;
}

/** Whether a request belongs under a header. */
export function isAlike(header: GroupHeader, { mode, maxWaitUs }: TakeRequest, { policy, cost }: Target): boolean {
  return header.policy === policy && header.cost === cost && header.mode === mode && header.maxWaitUs === maxWaitUs;
}

/** Finds the header of a take, or makes it. */
export type HeaderOf<Header> = (request: TakeRequest, target: Target) => Header;

/** How many headers are kept for a policy: costs and waits usually vary in few ways. */
const MAX_HEADERS = 16;

/** Keeps the headers that `make` has made, as long as their policies live. */
export function keptHeaders<Header extends GroupHeader>(make: HeaderOf<Header>): HeaderOf<Header> {
  const kept = new WeakMap<Policy, Header[]>();
  return (request, target) => {
    const { policy } = target;
    let headers = kept.get(policy);
    if (headers === undefined) kept.set(policy, headers = []);
    for (const header of headers) {
      if (isAlike(header, request, target)) return header;
    }
    if (headers.length >= MAX_HEADERS) headers.length = 0;
    const header = make(request, target);
    headers.push(header);
    return header;
  };
}
