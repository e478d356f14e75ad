/**
 * States as bytes: for stores that keep them outside this process.
 *
 * @module
 */

import type { ByteReader, ByteWriter } from "../base/bytes.ts";
import type { Reach } from "./reach.ts";
import type { Window } from "./windows.ts";

/** How the states of one algorithm are written. States that decide alike are the same bytes. */
export interface StateCodec<Limit, State> {
  /** Writes a state. */
  write(state: State, out: ByteWriter): void;
  /**
   * Reads what was written.
   *
   * @throws {RangeError} If that is no state.
   */
  read(from: ByteReader, limit: Limit): State;
}

/** Writes how far ahead something was promised. */
export function writeReach(reach: Reach | undefined, out: ByteWriter): void {
  out.byte(reach ?? 0);
}

/** What `writeReach` has written. */
export function readReach(from: ByteReader): Reach | undefined {
  const reach = from.byte();
  if (reach > 3) throw new RangeError(`Cannot read how far ahead an instant was promised: ${reach} stands there`);
  return reach === 0 ? undefined : reach as Reach;
}

/** Writes windows that follow one another, and how far ahead the first of them may start. */
export function writeWindows(windows: readonly Window[], reach: Reach | undefined, out: ByteWriter): void {
  out.count(windows.length * 4 + (reach ?? 0));
  let beforeUs = 0;
  for (const { startUs, count } of windows) {
    out.signed(startUs - beforeUs);
    out.count(count);
    beforeUs = startUs;
  }
}

/** What `writeWindows` has written. */
export function readWindows(from: ByteReader): { readonly windows: Window[]; readonly reach?: Reach } {
  const head = from.count();
  const windows: Window[] = [];
  let startUs = 0;
  for (let left = Math.floor(head / 4); left > 0; left--) {
    startUs += from.signed();
    windows.push({ startUs, count: from.count() });
  }
  const reach = head % 4;
  return reach === 0 ? { windows } : { windows, reach: reach as Reach };
}
