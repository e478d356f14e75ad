/**
 * Where keys of one limiter are kept, as far as forgetting them goes.
 *
 * @module
 */

/** A key that may be forgotten. */
export interface EvictionCandidate {
  /** Where it is kept. */
  readonly table: Table;
  /** The key. */
  readonly key: string | undefined;
  /** From this instant on it cannot be told from a fresh one. */
  readonly freshUs: number;
}

/** Keys of one limiter, which it looks through round and round, a few at a time. */
export interface Table {
  /** How many keys there are. */
  readonly size: number;
  /** Forgets a key. Returns whether there was one. */
  delete(key: string | undefined): boolean;
  /** Forgets those of the next few that cannot be told from fresh ones. Returns whether it came to its end. */
  sweep(looks: number, nowUs: number): boolean;
  /** The one nearest to fresh of the next few, if one of them may be forgotten. */
  weakest(looks: number): EvictionCandidate | undefined;
}
