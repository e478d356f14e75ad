/**
 * Unhandled rejections: in a library there must be none.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import { after, before } from "node:test";

/** Makes the suite it is called in fail if a rejection is unhandled. */
export function forbidUnhandledRejections(): void {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown) => void unhandled.push(reason);
  before(() => void process.on("unhandledRejection", listener));
  after(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off("unhandledRejection", listener);
    assert.deepEqual(unhandled, []);
  });
}
