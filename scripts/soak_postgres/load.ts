/**
 * What a process asks of a PostgreSQL store, and what it was allowed.
 *
 * @module
 */

import { createPostgresStore } from "../../src/stores/postgres/mod.ts";
import { requestsOf, unitsOf } from "./requests.ts";

/** What a process does. */
export interface Load {
  /** The database. */
  readonly url: string;
  /** The schema of the store. */
  readonly schema: string;
  /** How many connections the process has. */
  readonly connections: number;
  /** How many requests are under way at any time. */
  readonly lanes: number;
  /** How many requests to make, at most. */
  readonly requests: number;
  /** For how long, at most, in milliseconds. */
  readonly ms: number;
  /** Where its random numbers begin. */
  readonly seed: number;
}

/** What came of it. */
export interface LoadResult {
  /** Requests that were answered. */
  readonly requests: number;
  /** Statements and transactions that these took. */
  readonly batches: number;
  /** What failed, by message, and how often. */
  readonly errors: Readonly<Record<string, number>>;
}

/**
 * Makes requests, many on the same keys as other processes.
 *
 * @param load Which.
 * @param taken Gets each unit: its key, and the instant for which it was taken, by the server's clock, in microseconds.
 */
export async function runLoad(load: Load, taken: (key: string, us: number) => void): Promise<LoadResult> {
  const { url, schema, connections, lanes, requests, ms, seed } = load;
  const store = createPostgresStore({ url, schema, poolMaxSize: connections, socketTimeoutMs: 60_000 });
  await store.connect();
  const errors: Record<string, number> = {};
  let [batches, answered, made] = [0, 0, 0];
  store.watchCalls(() => void batches++);
  const request = requestsOf(seed);
  const endMs = performance.now() + ms;
  await Promise.all(Array.from({ length: lanes }, async () => {
    while (made < requests && performance.now() < endMs) {
      made++;
      const asked = request();
      try {
        for (const [key, us] of unitsOf(asked, await store.execute(asked))) taken(key, us);
        answered++;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        errors[message] = (errors[message] ?? 0) + 1;
      }
    }
  }));
  await store.close();
  return { requests: answered, batches, errors };
}
