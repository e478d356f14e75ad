/**
 * Turns of the event loop.
 *
 * @module
 */

import { setImmediate } from "node:timers";

/** Calls back in the next turn, when what was written in this one has left the process. */
export function inNextTurn(callback: () => void): void {
  setImmediate(callback);
}
