/**
 * Unhandled rejections, and listeners that pile up: in a library there must be none.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import { after, before } from "node:test";

/** Makes the suite it is called in fail if a rejection is unhandled, or if the runtime warns of too many listeners. */
export function forbidUnhandledRejections(): void {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown) => void unhandled.push(reason);
  const onWarning = (warning: Error) => {
    if (warning.name === "MaxListenersExceededWarning") unhandled.push(warning);
  };
  before(() => void process.on("unhandledRejection", listener).on("warning", onWarning));
  after(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off("unhandledRejection", listener).off("warning", onWarning);
    assert.deepEqual(unhandled, []);
  });
}
