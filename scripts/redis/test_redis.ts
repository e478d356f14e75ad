/**
 * What a way to get a Redis gives.
 *
 * @module
 */

/** A Redis whose data may be thrown away. */
export interface TestRedis {
  /** Where it is. */
  readonly url: string;
  /** Where it came from, for people. */
  readonly origin: string;
  /** Deletes all data, unless it was there before. */
  clear(): Promise<void>;
  /** Stops it, unless it was there before. */
  stop(): Promise<void>;
}
