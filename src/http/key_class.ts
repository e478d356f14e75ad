/**
 * What kind of key a request has: how it was made, without the key itself.
 *
 * @module
 */

/** The key, and the class, of all requests that have no other. */
export const UNIDENTIFIED = "unidentified";

/** The longest class of a key that a limiter takes. */
const MAX_LENGTH = 64;

/** What keys of one class begin with. */
export interface KeyPrefix {
  /** The class. */
  readonly keyClass: string;
  /** The class and a colon. */
  readonly text: string;
}

/** What the keys of functions begin with. */
const PREFIXES = new WeakMap<object, readonly KeyPrefix[]>();

/** Notes of a function that its keys begin with a class and a colon. Returns the function. */
export function classed<Identifier extends object>(identify: Identifier, keyClass: string): Identifier {
  if (keyClass.length <= MAX_LENGTH) PREFIXES.set(identify, [{ keyClass, text: `${keyClass}:` }]);
  return identify;
}

/** Notes of a function that its keys are those of others. Returns the function. */
export function classedAs<Identifier extends object>(identify: Identifier, others: readonly object[]): Identifier {
  PREFIXES.set(identify, others.flatMap((other) => PREFIXES.get(other) ?? []));
  return identify;
}

/** What the keys of a function begin with, as far as that is known. */
export function prefixesOf(identify: object | undefined): readonly KeyPrefix[] {
  return identify === undefined ? [] : PREFIXES.get(identify) ?? [];
}

/** The class of a key; undefined where nothing is known of it. */
export function classOfKey(key: string, prefixes: readonly KeyPrefix[]): string | undefined {
  if (key === UNIDENTIFIED) return UNIDENTIFIED;
  for (const { keyClass, text } of prefixes) if (key.startsWith(text)) return keyClass;
  return undefined;
}
