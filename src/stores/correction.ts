/**
 * News of a correction, for processes with calls that wait for the rates of the key.
 *
 * @module
 */

import { shortKey } from "../base/short_key.ts";
import type { BlockRequest, CorrectRequest, Target } from "./store.ts";

/** One name for each key of each limiter, the same in every process. */
export function correctedName({ limiter, key, isHash }: Pick<Target, "limiter" | "key" | "isHash">): string {
  return JSON.stringify([limiter, isHash ? key : shortKey(key)]);
}

/** How long a call must wait, at least, to stay as it is after a correction: see {@linkcode Correction.durationUs}. */
export function staysUs(request: BlockRequest | CorrectRequest): number {
  return request.op === "block" && request.keepLonger ? request.durationUs : Infinity;
}
