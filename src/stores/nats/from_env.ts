/**
 * NATS as platforms hand it to an application: by environment variables.
 *
 * @module
 */

import { processEnv } from "../../base/process_env.ts";

/** Where NATS is, as configuration and `createNatsStore` take it. */
export interface NatsFromEnv {
  /** Picks the store. */
  readonly engine: "nats";
  /** The URL. */
  readonly url: string;
}

/**
 * Reads where NATS is: `NATS_URL`. A variable that is empty counts as not set.
 *
 * @param env The variables. @default those of the process
 * @returns What a store needs; undefined where it is not set.
 *
 * @example NATS in production, memory on a laptop
 * ```ts
 * import { createRateSync } from "@ratesync/core";
 * import { natsFromEnv } from "@ratesync/core/nats";
 *
 * const rs = createRateSync({
 *   stores: { shared: natsFromEnv() ?? { engine: "memory" } },
 *   limiters: { api: { limit: 100, windowMs: 60_000 } },
 * });
 * ```
 */
export function natsFromEnv(
  env: Readonly<Record<string, string | undefined>> = processEnv(),
): NatsFromEnv | undefined {
  return env["NATS_URL"] ? { engine: "nats", url: env["NATS_URL"] } : undefined;
}
