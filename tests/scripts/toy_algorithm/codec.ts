/**
 * Aligned windows as bytes.
 *
 * @module
 */

import type { StateCodec } from "../../../src/algorithms/codec.ts";
import type { AlignedWindowLimit } from "../../../src/algorithms/limit.ts";
import type { ByteReader, ByteWriter } from "../../../src/base/bytes.ts";
import type { AlignedWindowState } from "./kernel.ts";

/** How an aligned window is written. */
export const alignedWindowCodec: StateCodec<AlignedWindowLimit, AlignedWindowState> = Object.freeze({
  write({ startUs, count }: AlignedWindowState, out: ByteWriter): void {
    out.count(startUs);
    out.count(count);
  },
  read: (from: ByteReader): AlignedWindowState => ({ startUs: from.count(), count: from.count() }),
});
