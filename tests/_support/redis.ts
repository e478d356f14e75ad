/**
 * The Redis that `npm test` provides, and a corner of it for each test.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import process from "node:process";

/**
 * The URL of the Redis to test against.
 *
 * @throws {Error} If the tests were not started by the launcher, which provides one.
 */
export function redisUrl(): string {
  const url = process.env["RATESYNC_TEST_REDIS_URL"];
  if (!url) {
    throw new Error(
      "Cannot reach a Redis: RATESYNC_TEST_REDIS_URL is not set. Run `npm test`, which provides one, " +
        "or set it to the URL of a Redis whose data may be thrown away.",
    );
  }
  return url;
}

/** A key prefix that no other test, process or run uses. */
export function freshPrefix(): string {
  return `test-${randomUUID()}`;
}
