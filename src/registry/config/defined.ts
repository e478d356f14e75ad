/**
 * Objects without holes.
 *
 * @module
 */

/** An object type whose members that may be `undefined` are optional instead. */
export type Defined<T> =
  & { [K in keyof T as undefined extends T[K] ? never : K]: T[K] }
  & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

/**
 * Leaves out the members that are `undefined`, so that what was not written is not there.
 *
 * @param values The members.
 * @returns A new object with the others.
 */
export function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}
