/**
 * Comparisons of which a test makes hundreds of thousands.
 *
 * @module
 */

import assert from "node:assert/strict";

/**
 * Fails unless two values are deeply equal: `assert.deepEqual`, which takes ten times as long, compares only what is not
 * plain data that is the same, and says what differs.
 *
 * @param message Says where the difference is.
 */
export function assertSame(actual: unknown, expected: unknown, message: () => string): void {
  if (!isSame(actual, expected)) assert.deepEqual(actual, expected, message());
}

/** Whether both are the same plain data. False for everything else, even if it is equal. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((each, i) => isSame(each, b[i]));
  if (Object.getPrototypeOf(a) !== Object.prototype || Object.getPrototypeOf(b) !== Object.prototype) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && isSame(a[name as keyof typeof a], b[name as keyof typeof b]));
}
