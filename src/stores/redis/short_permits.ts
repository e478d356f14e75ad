/**
 * Takes and releases of one permit of a limiter that has nothing else: what `_short_permits.lua` reads and answers.
 *
 * @module
 */

import { PermitReply } from "../permit_reply.ts";
import type { DoneReply, StoreRequest, TakeReply, Target } from "../store.ts";
import type { Policy } from "../../policy/policy.ts";
import type { ScriptReply } from "./connections/connection.ts";
import type { NamedRequest } from "./named_request.ts";
import { takeReply } from "./take_reply.ts";

/** The character of the first policy, and for how many there are others. */
const FIRST_POLICY = 48;
const MOST_POLICIES = 79;

/** What a policy says of permits. */
export function permitArgs({ leaseTtlUs, maxConcurrent, maxWaiters }: Policy): string[] {
  return [leaseTtlUs, maxConcurrent, maxWaiters === Infinity ? -1 : maxWaiters].map(String);
}

/** Whether a batch can be written short. */
export function isShortBatch(batch: readonly NamedRequest[]): boolean {
  let before: Policy | undefined;
  let changes = 0;
  for (const { request } of batch) {
    if (!isShort(request)) return false;
    const { policy } = request.targets[0] as Target;
    if (policy !== before && ++changes > MOST_POLICIES) return false;
    before = policy;
  }
  return changes > 0;
}

function isShort(request: StoreRequest): boolean {
  const { op, targets } = request;
  if (op !== "take" && op !== "release") return false;
  if (op === "take" && (request.mode === "peek" || request.arrivalUs > 0)) return false;
  const { permits, policy: { rates } } = targets[0] as Target;
  return permits === 1 && rates.length === 0 && targets.length === 1;
}

/** A batch as the script reads it. */
export interface ShortBatch {
  /** Two for each request. */
  readonly letters: string;
  /** Of each request that is about another key than the one before it: first the leases of all, then what else each has. */
  readonly keys: readonly string[];
  /** One for each request. */
  readonly ids: readonly string[];
  /** Those of the requests, in the order of their characters. */
  readonly policies: readonly Policy[];
}

/** Writes a batch that can be written short. */
export function writeShort(batch: readonly NamedRequest[]): ShortBatch {
  const keys: string[] = [];
  const others: string[] = [];
  const ids: string[] = [];
  const policies: Policy[] = [];
  let letters = "";
  let place = 0;
  let before: string | undefined;
  for (const { request, keys: named } of batch) {
    const { policy } = request.targets[0] as Target;
    if (policies[place] !== policy) {
      place = policies.indexOf(policy);
      if (place < 0) place = policies.push(policy) - 1;
    }
    const [main, leases, waiters] = named as [string, string, string];
    const isSame = main === before;
    if (!isSame) {
      keys.push(leases);
      others.push(main, waiters);
    }
    before = main;
    letters += letterOf(request, isSame) + String.fromCharCode(FIRST_POLICY + place);
    ids.push((request as { readonly id: string }).id);
  }
  keys.push(...others);
  return { letters, keys, ids, policies };
}

function letterOf(request: StoreRequest, isSame: boolean): string {
  if (request.op === "release") return isSame ? "r" : "R";
  if (request.op === "take" && request.mode === "wait") return isSame ? "w" : "W";
  return isSame ? "t" : "T";
}

/** How many numbers the reply to a take has. */
const TAKE_SIZE = 3;

/** How many numbers answer a request by the short way. */
export function sizeOfShort(request: StoreRequest): number {
  return request.op === "take" ? TAKE_SIZE : 1;
}

/**
 * Reads the number that answers a request that was alone in its call. Of a take, which found no other permit in use, it is
 * the store's clock; of a release twice that, and 1 more if a lease has ended.
 */
export function readAlone(request: StoreRequest, answer: number): TakeReply | DoneReply {
  if (request.op !== "take") return { nowUs: Math.floor(answer / 2), counts: [answer % 2], levels: [] };
  return new PermitReply("allowed", answer, 0, 1, (request.targets[0] as Target).policy.leaseTtlUs, answer);
}

/** Reads what was answered by the short way, from a place of the reply on. */
export function readShort(
  request: StoreRequest,
  reply: readonly ScriptReply[],
  at: number,
  nowUs: number,
): TakeReply | DoneReply {
  const first = Number(reply[at]);
  if (request.op !== "take") return { nowUs, counts: [first], levels: [] };
  const second = Number(reply[at + 1]);
  const third = Number(reply[at + 2]);
  if (first < 0) {
    const waitUs = Math.min(second, (request.targets[0] as Target).policy.leaseTtlUs);
    return takeReply(nowUs, [3, waitUs, nowUs + third, -first, second, 0], request.targets, false);
  }
  if (first === 0) return new PermitReply("permits", nowUs, second, third, second, 0);
  return new PermitReply("allowed", nowUs, 0, first, second, nowUs + third);
}
