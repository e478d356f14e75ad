/**
 * Logs of exact sliding windows as bytes. Pages are not written: they only make searches short.
 *
 * @module
 */

import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { readReach, type StateCodec, writeReach } from "../codec.ts";
import type { SlidingWindowLimit } from "../limit.ts";
import { runsOf, type SlidingWindowState } from "./kernel.ts";
import { append, type Page } from "./run_log.ts";

/** How an exact sliding window is written. */
export const slidingWindowCodec: StateCodec<SlidingWindowLimit, SlidingWindowState> = Object.freeze({
  write(state: SlidingWindowState, out: ByteWriter): void {
    const runs = runsOf(state);
    const isPromised = state.promisedUs > 0;
    out.count(runs.length * 2 + (isPromised ? 1 : 0));
    let beforeUs = 0;
    for (const { stampUs, units } of runs) {
      out.count(stampUs - beforeUs);
      out.count(units);
      beforeUs = stampUs;
    }
    if (!isPromised) return;
    out.signed(state.promisedUs - beforeUs);
    writeReach(state.reach, out);
  },

  read(from: ByteReader, { capacity }: SlidingWindowLimit): SlidingWindowState {
    const head = from.count();
    const pages: Page[] = [];
    let stampUs = 0;
    let total = 0;
    for (let left = Math.floor(head / 2); left > 0; left--) {
      stampUs += from.count();
      const units = from.count();
      append(pages, stampUs, units, capacity);
      total += units;
    }
    if (head % 2 === 0) return { pages, total, promisedUs: 0 };
    const promisedUs = stampUs + from.signed();
    return { pages, total, promisedUs, reach: readReach(from) };
  },
});
