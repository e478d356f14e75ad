/**
 * Options that may be for one limiter: `address`, `login=user`.
 *
 * @module
 */

/** A value, and for which limiter it is. */
export interface Scoped {
  /** The limiter; undefined for all that have no value of their own. */
  readonly limiter: string | undefined;
  /** The value. */
  readonly value: string;
}

/**
 * Reads values. What stands in front of `=` counts if it is a limiter: paths and names of fields may hold `=` too.
 *
 * @param texts The values as they were written.
 * @param limiters The ids of limiters.
 */
export function readScoped(texts: readonly string[], limiters: readonly string[]): readonly Scoped[] {
  return texts.map((text) => {
    const limiter = limiters.find((id) => text.startsWith(`${id}=`));
    return { limiter, value: limiter === undefined ? text : text.slice(limiter.length + 1) };
  });
}

/** The values for a limiter: its own, or else those for all. */
export function valuesFor(scoped: readonly Scoped[], limiter: string): readonly string[] {
  const own = scoped.filter((one) => one.limiter === limiter);
  return (own.length > 0 ? own : scoped.filter((one) => one.limiter === undefined)).map(({ value }) => value);
}
