/**
 * PostgreSQL as platforms hand it to an application: by an environment variable.
 *
 * @module
 */

import { processEnv } from "../../base/process_env.ts";

/** Where PostgreSQL is, as configuration and `createPostgresStore` take it. */
export interface PostgresFromEnv {
  /** Picks the store. */
  readonly engine: "postgres";
  /** The URL. */
  readonly url: string;
}

/**
 * Reads where PostgreSQL is: `DATABASE_URL`. A variable that is empty, or the URL of another database, counts as not set.
 *
 * @param env The variables. @default those of the process
 * @returns What a store needs; undefined where it is not set.
 *
 * @example PostgreSQL in production, memory on a laptop
 * ```ts
 * import { createRateSync } from "@ratesync/core";
 * import { postgresFromEnv } from "@ratesync/core/postgres";
 *
 * const rs = createRateSync({
 *   stores: { shared: postgresFromEnv() ?? { engine: "memory" } },
 *   limiters: { api: { limit: 100, windowMs: 60_000 } },
 * });
 * ```
 */
export function postgresFromEnv(
  env: Readonly<Record<string, string | undefined>> = processEnv(),
): PostgresFromEnv | undefined {
  const url = env["DATABASE_URL"];
  return url !== undefined && /^postgres(?:ql)?:\/\//i.test(url) ? { engine: "postgres", url } : undefined;
}
