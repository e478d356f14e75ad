/**
 * Reads what the Redis store has written, byte by byte and independently of its scripts.
 *
 * @module
 */

import type { RateLimit } from "../../src/algorithms/limit.ts";
import type { RateState } from "../../src/algorithms/kernels.ts";
import { runsOf, type SlidingWindowState } from "../../src/algorithms/sliding_window.ts";
import type { TokenBucketState } from "../../src/algorithms/token_bucket.ts";

/** A string as Redis holds it. */
export type Bytes = Uint8Array | undefined;

/** The states of a policy's rates at a time, as plain numbers, from the main key and the keys of further rings. */
export function decodeStored(
  rates: readonly RateLimit[],
  main: Bytes,
  rings: readonly Bytes[],
  nowUs: number,
): number[][] {
  if (rates.length === 1 && rates[0]?.algorithm === "sliding_window") return [decodeRing(main)];
  const value = main?.[0] === 0x62 ? main.subarray(9) : main ?? new Uint8Array();
  const [only] = rates;
  if (rates.length === 1 && only?.algorithm === "token_bucket") return [decodeOnlyTat(value, only.denominator, nowUs)];
  let cursor = rates.length;
  let ring = 0;
  return rates.map((rate) => {
    if (rate.algorithm === "sliding_window") return decodeRing(rings[ring++]);
    const size = sizeOf(rate);
    const part = value.subarray(cursor, cursor += size);
    return rate.algorithm === "token_bucket" ? decodeTat(part, rate.denominator) : doubles(part, size / 8);
  });
}

/** The states of the memory store, in the same form. */
export function plainStates(rates: readonly RateLimit[], states: readonly RateState[]): number[][] {
  return rates.map((rate, i) => {
    const state = states[i] as RateState;
    if (rate.algorithm === "sliding_window") return runsOf(state as SlidingWindowState).flatMap(({ stampUs, units }) => [stampUs, units]);
    if (rate.algorithm === "token_bucket") {
      const { tatUs, tatRem } = state as TokenBucketState;
      return [tatUs, tatRem];
    }
    return Object.values(state);
  });
}

function sizeOf(rate: RateLimit): number {
  if (rate.algorithm === "token_bucket") return 16 + digits(rate.denominator);
  return rate.algorithm === "fixed_window" ? 16 : 24;
}

function digits(denominator: number): number {
  return denominator === 1 ? 0 : String(denominator - 1).length;
}

/** One that is alone in its key: it may have a mark, and "99" in front if it would read as marked. */
function decodeOnlyTat(bytes: Uint8Array, denominator: number, nowUs: number): number[] {
  const text = new TextDecoder().decode(bytes);
  if (text.length === 18 && text.startsWith("99")) return decodeTat(bytes.subarray(2), denominator);
  if (text.length !== 16 || text < "5") return decodeTat(bytes, denominator);
  // The last 14 digits of an instant near now.
  const us = Number(text.slice(2));
  return [us + Math.round((nowUs - us) / 1e14) * 1e14, 0];
}

function decodeTat(bytes: Uint8Array, denominator: number): number[] {
  const text = new TextDecoder().decode(bytes);
  if (text === "") return [0, 0];
  return [Number(text.slice(0, 16)), denominator === 1 ? 0 : Number(text.slice(16))];
}

function decodeRing(bytes: Bytes): number[] {
  if (bytes === undefined || bytes.length < 21) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [head, count, slots] = [view.getUint32(9, true), view.getUint32(13, true), view.getUint32(17, true)];
  return Array.from({ length: count }, (_, i) => view.getFloat64(21 + (head + i) % slots * 8, true));
}

function doubles(bytes: Uint8Array, count: number): number[] {
  if (bytes.length === 0) return Array<number>(count).fill(0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, i) => view.getFloat64(i * 8, true));
}
