/**
 * A Lua script as the generator embeds it.
 *
 * @module
 */

/** A Lua script with the digest by which Redis knows it. */
export interface Script {
  /** The file it comes from, without folder and ending. */
  readonly name: string;
  /** SHA-1 of `source`, in hex, as `EVALSHA` takes it. */
  readonly sha1: string;
  /** That of the same script behind what lets it decide about keys of several slots; absent where it cannot. */
  readonly acrossSha1?: string;
  /** The Lua text that is sent to Redis when it does not know the digest yet. */
  readonly source: string;
}
