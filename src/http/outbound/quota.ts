/**
 * A quota of a server.
 *
 * @module
 */

/** One quota, as far as it was announced. */
export interface Quota {
  /** Which one it is, among those of a server. */
  readonly name: string;
  /** Units that are left. */
  readonly remaining: number | undefined;
  /** How long until it is whole again, in milliseconds; rounded up to what the server can express. */
  readonly resetMs: number | undefined;
  /** How long one unit takes to come back, in milliseconds, where units come back one by one. */
  readonly unitMs?: number;
  /** Whether `resetMs` was written more finely than in whole seconds. */
  readonly exact?: boolean;
}
