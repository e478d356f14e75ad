/**
 * Reads what the Redis store has written, byte by byte and independently of its scripts.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { FixedWindowState } from "../../src/algorithms/fixed_window/kernel.ts";
import type { FixedWindowLimit, RateLimit, TokenBucketLimit } from "../../src/algorithms/limit.ts";
import type { RateState } from "../../src/algorithms/kernels.ts";
import { runsOf, type SlidingWindowState } from "../../src/algorithms/sliding_window/kernel.ts";
import type { SlidingWindowCounterState } from "../../src/algorithms/sliding_window_counter/kernel.ts";
import { tokenBucket, type TokenBucketState } from "../../src/algorithms/token_bucket/kernel.ts";
import type { Window } from "../../src/algorithms/windows.ts";

/** A string as Redis holds it. */
export type Bytes = Uint8Array | undefined;

/** The states of a policy's rates at a time, as plain numbers, from the main key and the keys of further logs. */
export function decodeStored(
  rates: readonly RateLimit[],
  main: Bytes,
  logs: readonly Bytes[],
  nowUs: number,
): number[][] {
  if (rates.length === 1 && rates[0]?.algorithm === "sliding_window") return [decodeLog(main, nowUs)];
  const value = main?.[0] === 0x62 ? main.subarray(9) : main ?? new Uint8Array();
  const [only] = rates;
  if (rates.length === 1 && only?.algorithm === "token_bucket") {
    const found = value.findIndex((byte) => byte >= 0x80);
    const from = found < 0 ? value.length : found;
    const state = decodeOnlyTat(value.subarray(0, from), only.denominator, nowUs);
    return [from === value.length ? state : decodeTail(value.subarray(from), state, only)];
  }
  if (rates.length === 1 && only?.algorithm === "fixed_window" && value[0] === 0x2d) {
    return [decodeShortWindow(value, only, nowUs)];
  }
  if (rates.length > 1 && value[0] === 0x50) return decodePacked(rates, value);
  let cursor = rates.length;
  let log = 0;
  return rates.map((rate, i) => {
    if (rate.algorithm === "sliding_window") return decodeLog(logs[log++], nowUs);
    if (rate.algorithm === "token_bucket") {
      const state = decodeTat(value.subarray(cursor, cursor += 16 + digits(rate.denominator)), rate.denominator);
      if ((value[i] ?? 0) < 128) return state;
      const size = value[cursor++] as number;
      return decodeTail(value.subarray(cursor, cursor += size), state, rate);
    }
    if (value.length === 0) return rate.algorithm === "fixed_window" ? [0] : [0, 0];
    let end = value.length;
    if (rates.length > 1) {
      end = cursor + 4 + unsigned(value, cursor, 4);
      cursor += 4;
    }
    const part = value.subarray(cursor, cursor = end);
    assert.equal(unsigned(part, 0, 7), rate.windowUs, "the window's length is stored");
    if (rate.algorithm === "fixed_window") return decodeWindows(part.subarray(7));
    assert.equal(10 ** (part[7] as number), rate.stepUs, "the step is stored");
    const [reach, ...windows] = decodeWindows(part.subarray(12));
    return [unsigned(part, 8, 4), reach as number, ...windows];
  });
}

/** Several limits whose states are what most are: `P`, a step, letters, rules of windows, and the states. */
function decodePacked(rates: readonly RateLimit[], value: Uint8Array): number[][] {
  let cursor = 2 + rates.length;
  for (const rate of rates) {
    if (rate.algorithm === "token_bucket") continue;
    assert.equal(unsigned(value, cursor, 7), rate.windowUs, "the window's length is stored");
    cursor += 7;
    if (rate.algorithm === "sliding_window_counter") {
      assert.equal(10 ** (value[cursor++] as number), rate.stepUs, "the step is stored");
    }
  }
  const next = (size: number) => unsigned(value, (cursor += size) - size, size);
  const states = rates.map((rate): number[] => {
    if (rate.algorithm === "token_bucket") return [next(7), next(digits(rate.denominator) > 9 ? 7 : 4), 0];
    const [start, count] = [next(7), next(4)];
    const windows = start === 0 ? [] : [start, count];
    return rate.algorithm === "sliding_window_counter" ? [next(4), 0, ...windows] : [0, ...windows];
  });
  assert.equal(cursor, value.length, "nothing follows the states");
  return states;
}

/** The states of the memory store, in the same form. */
export function plainStates(rates: readonly RateLimit[], states: readonly RateState[]): number[][] {
  return rates.map((rate, i) => {
    const state = states[i] as RateState;
    switch (rate.algorithm) {
      case "sliding_window": {
        const { promisedUs, reach = 0 } = state as SlidingWindowState;
        const runs = runsOf(state as SlidingWindowState).flatMap(({ stampUs, units }) => [stampUs, units]);
        return runs.length === 0 ? [] : [promisedUs, reach, ...runs];
      }
      case "token_bucket": {
        const { tatUs, tatRem, back, promisedUs, reach = 0 } = state as TokenBucketState;
        if (back === undefined && promisedUs === undefined) return [tatUs, tatRem, reach];
        const { us, rem, untilUs, shares } = back ?? { us: 0, rem: 0, untilUs: 0, shares: [] };
        return [
          tatUs,
          tatRem,
          reach,
          promisedUs ?? 0,
          us,
          rem,
          untilUs,
          ...shares.flatMap((s) => [s.endUs, s.us, s.rem]),
        ];
      }
      case "sliding_window_counter": {
        const { previous, windows, reach = 0 } = state as SlidingWindowCounterState;
        return [previous, reach, ...plainWindows(windows)];
      }
      case "fixed_window": {
        const { windows, reach = 0 } = state as FixedWindowState;
        return [reach, ...plainWindows(windows)];
      }
    }
  });
}

/** From when on a stored state, in the same form, cannot be told from a fresh one. */
export function freshFromUs(rate: RateLimit, numbers: readonly number[]): number {
  if (rate.algorithm === "token_bucket") {
    const [tatUs = 0, tatRem = 0, , promisedUs = 0, us = 0, rem = 0, untilUs = 0] = numbers;
    const back = us === 0 && rem === 0 ? undefined : { us, rem, untilUs, shares: [] };
    return tokenBucket.freshFromUs({ tatUs, tatRem, back, promisedUs }, rate);
  }
  if (numbers.length < 2) return 0;
  return (numbers.at(-2) as number) + rate.windowUs * (rate.algorithm === "sliding_window_counter" ? 2 : 1);
}

function plainWindows(windows: readonly Window[]): number[] {
  return windows.flatMap(({ startUs, count }) => [startUs, count]);
}

function digits(denominator: number): number {
  return denominator === 1 ? 0 : String(denominator - 1).length;
}

/** One that is alone in its key: it may have a TTL tag, and "99" in front if it would read as tagged. */
function decodeOnlyTat(bytes: Uint8Array, denominator: number, nowUs: number): number[] {
  const text = new TextDecoder().decode(bytes);
  if (text.length === 18 && text.startsWith("99")) return decodeTat(bytes.subarray(2), denominator);
  if (text.length !== 16 || text < "5") return decodeTat(bytes, denominator);
  // The last 14 digits of an instant near now.
  const us = Number(text.slice(2));
  return [us + Math.round((nowUs - us) / 1e14) * 1e14, 0, Math.floor((Number(text.slice(0, 2)) - 50) / 10)];
}

function decodeTat(bytes: Uint8Array, denominator: number): number[] {
  const text = new TextDecoder().decode(bytes);
  if (text === "") return [0, 0, 0];
  return [Number(text.slice(0, 16)), denominator === 1 ? 0 : Number(text.slice(16)), 0];
}

/** A state whose digits are read: behind them stands a byte of flags, then numbers in groups of seven bits. */
function decodeTail(
  bytes: Uint8Array,
  [tatUs = 0, tatRem = 0]: readonly number[] = [],
  limit: TokenBucketLimit,
): number[] {
  const numbers: number[] = [];
  let [number, factor] = [0, 1];
  for (const byte of bytes.subarray(1)) {
    number += byte % 128 * factor;
    factor *= 128;
    if (byte >= 128) continue;
    numbers.push(number);
    [number, factor] = [0, 1];
  }
  const next = () => numbers.shift() ?? 0;
  const span = (): [number, number] => [next(), limit.denominator > 1 ? next() : 0];
  const flags = bytes[0] as number;
  const state = [tatUs, tatRem, (flags & 0x18) / 8];
  if (!(flags & 3)) return state;
  const promisedUs = flags & 1 ? next() : 0;
  if (!(flags & 2)) return [...state, promisedUs, 0, 0, 0];
  const [us, rem] = span();
  const sumUs = tatUs + us + (tatRem + rem >= limit.denominator ? 1 : 0);
  const untilUs = flags & 4 ? sumUs + 2 - next() : 0;
  const shares: number[] = [];
  while (numbers.length > 0) {
    const endUs = sumUs - next();
    const [shareUs, shareRem] = span();
    shares.push(endUs, ...shareUs === 0 && shareRem === 0 ? [us, rem] : [shareUs, shareRem]);
  }
  return [...state, promisedUs, us, rem, untilUs, ...shares];
}

/** A log's latest promised instant, and its runs, each an instant and its units; those of one instant as one. */
function decodeLog(bytes: Bytes, nowUs: number): number[] {
  if (bytes === undefined) return [];
  assert.equal(bytes[0], 0x53, "a log begins with S");
  const promisedUs = unsigned(bytes, 16, 6) + (bytes[22] as number) % 32 * 2 ** 48;
  const [head, count, slots] = [30, 34, 38].map((at) => unsigned(bytes, at, 4)) as [number, number, number];
  const total = unsigned(bytes, 42, 7);
  const power = bytes[53] as number % 32;
  const [page, isWide] = [2 ** (power % 16), power >= 16];
  const numbers: number[] = [promisedUs, Math.floor((bytes[22] as number) / 32)];
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const slot = (head + i) % slots;
    const at = 54 + 4 * (Math.floor(slot / page) + 1) + 8 * slot;
    const units: number = isWide ? bytes[at + 7] as number : unsigned(bytes, at + 6, 2);
    let stampUs = unsigned(bytes, at, isWide ? 7 : 6);
    if (!isWide) stampUs += Math.round((nowUs - stampUs) / 2 ** 48) * 2 ** 48;
    sum += units;
    if (bytes[53] as number >= 32) assert.equal(units, 1, "every run is one unit");
    if (units === 0) continue;
    if (numbers.length > 2 && numbers.at(-2) === stampUs) numbers.push(numbers.pop() as number + units);
    else numbers.push(stampUs, units);
  }
  assert.equal(total, sum, "the units in all");
  if (numbers.length > 2) assert.equal(unsigned(bytes, 23, 7), numbers.at(-2), "the newest instant");
  return numbers.length === 2 ? [] : numbers;
}

/** A fixed window as an integer: below -2^52 by its start times a factor, and by its count. */
function decodeShortWindow(bytes: Uint8Array, { windowUs }: FixedWindowLimit, nowUs: number): number[] {
  const text = new TextDecoder().decode(bytes);
  assert.match(text, /^-\d{16}$/);
  const factor = 2 ** 11;
  assert.ok(8 * windowUs * factor <= 2 ** 52, "the window is short enough");
  const number = -Number(text) - 2 ** 52;
  const [span, count] = [2 ** 52 / factor, number % factor];
  const startUs = (number - count) / factor;
  return [0, startUs + Math.round((nowUs - startUs) / span) * span, count];
}

/** The reach of the first window, then the windows, each a start and a count. */
function decodeWindows(bytes: Uint8Array): number[] {
  const numbers = [Math.floor((bytes[6] ?? 0) / 32)];
  for (let at = 0; at < bytes.length; at += 11) {
    const high = bytes[at + 6] as number;
    const startUs = unsigned(bytes, at, 6) + (at === 0 ? high % 32 : high) * 2 ** 48;
    numbers.push(startUs, unsigned(bytes, at + 7, 4));
  }
  return numbers;
}

/** A whole number of some bytes, the least significant first. */
function unsigned(bytes: Uint8Array, at: number, size: number): number {
  let number = 0;
  for (let i = size - 1; i >= 0; i--) number = number * 256 + (bytes[at + i] as number);
  return number;
}
