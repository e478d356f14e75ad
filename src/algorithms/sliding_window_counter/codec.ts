/**
 * Sliding window counters as bytes.
 *
 * @module
 */

import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { readWindows, type StateCodec, writeWindows } from "../codec.ts";
import type { SlidingWindowCounterLimit } from "../limit.ts";
import type { SlidingWindowCounterState } from "./kernel.ts";

/** How a counter is written. */
export const slidingWindowCounterCodec: StateCodec<SlidingWindowCounterLimit, SlidingWindowCounterState> = Object
  .freeze({
    write({ previous, windows, reach }: SlidingWindowCounterState, out: ByteWriter): void {
      out.count(previous);
      writeWindows(windows, reach, out);
    },
    read: (from: ByteReader): SlidingWindowCounterState => ({ previous: from.count(), ...readWindows(from) }),
  });
