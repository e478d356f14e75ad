/**
 * What tests of bad input expect of an error.
 *
 * @module
 */

import assert from "node:assert/strict";

import { RateSyncError, type RateSyncErrorCode } from "../../mod.ts";

/** Runs what must fail, and returns the error. */
export async function failureOf(act: () => unknown): Promise<Error> {
  try {
    await act();
  } catch (error) {
    assert.ok(error instanceof Error, `an Error, not ${error}`);
    return error;
  }
  assert.fail("it did not fail");
}

/** What an error must be. */
export interface Expected {
  /** Its class. */
  readonly type: new (...args: never[]) => Error;
  /** Its code, where the class is one of this package. */
  readonly code?: RateSyncErrorCode;
  /** What its message must say. */
  readonly says: readonly (string | RegExp)[];
  /** What neither the error nor anything in it may say. */
  readonly hides?: readonly string[];
}

/** Runs what must fail, and checks how. */
export async function assertFails(act: () => unknown, { type, code, says, hides = [] }: Expected): Promise<void> {
  const error = await failureOf(act);
  assert.equal(error.constructor, type, String(error));
  assert.equal(error.name, type.name);
  assert.equal(RateSyncError.is(error), code !== undefined);
  assert.equal((error as Partial<RateSyncError>).code, code);
  for (const words of says) {
    if (typeof words === "string") assert.ok(error.message.includes(words), `"${words}" in "${error.message}"`);
    else assert.match(error.message, words);
  }
  // What ends a program prints every cause: one that says the same at a shorter path is noise.
  assert.notEqual((error.cause as Error | undefined)?.name, "ConfigError");
  assertHides(error, hides);
}

/** Checks that secrets are nowhere in an error, its causes, or what is printed of it. */
export function assertHides(error: unknown, secrets: readonly string[]): void {
  for (let it = error; it instanceof Error; it = it.cause) {
    const printed = [it.message, it.stack, JSON.stringify(it, Object.getOwnPropertyNames(it))].join("\n");
    for (const secret of secrets) assert.ok(!printed.includes(secret), `a secret in: ${printed}`);
  }
}
