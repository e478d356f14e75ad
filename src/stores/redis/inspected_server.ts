/**
 * A server that is looked at closely.
 *
 * @module
 */

import type { RedisConnection } from "./connections/connection.ts";

/** One server: the only one, or a primary of a cluster. */
export interface InspectedServer extends Pick<RedisConnection, "run"> {
  /** Where it is, without credentials. */
  readonly url: string | undefined;
  /** A key that it would have, and that no limiter has. */
  readonly key: string;
}
