/**
 * Fixed windows as bytes.
 *
 * @module
 */

import type { ByteWriter } from "../../base/bytes.ts";
import { readWindows, type StateCodec, writeWindows } from "../codec.ts";
import type { FixedWindowLimit } from "../limit.ts";
import type { FixedWindowState } from "./kernel.ts";

/** How a fixed window is written. */
export const fixedWindowCodec: StateCodec<FixedWindowLimit, FixedWindowState> = Object.freeze({
  write: ({ windows, reach }: FixedWindowState, out: ByteWriter): void => writeWindows(windows, reach, out),
  read: readWindows,
});
