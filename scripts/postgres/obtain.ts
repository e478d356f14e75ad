/**
 * A PostgreSQL for tests that share one server, each with a schema of its own.
 *
 * @module
 */

import process from "node:process";

import { startPostgres } from "./server.ts";

/** A server whose data may be thrown away. */
export interface TestPostgres {
  /** Where it is, with a user who may create schemas. */
  readonly url: string;
  /** Where it came from, for people. */
  readonly origin: string;
  /** Stops it, unless it was there before. */
  stop(): Promise<void>;
}

/**
 * Takes the server of `RATESYNC_TEST_POSTGRES_URL`, or starts one.
 *
 * @throws {Error} If there is none, and it cannot be installed. The message names the ways to get one.
 */
export async function obtainPostgres(): Promise<TestPostgres> {
  const url = process.env["RATESYNC_TEST_POSTGRES_URL"];
  if (url) return { url, origin: "the one of RATESYNC_TEST_POSTGRES_URL", stop: async () => {} };
  const server = await startPostgres({ settings: { max_connections: 300 } });
  return { url: server.url, origin: `a server on port ${server.port}`, stop: () => server.stop() };
}
