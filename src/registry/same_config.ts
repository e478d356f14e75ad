/**
 * Whether two descriptions say the same.
 *
 * @module
 */

/**
 * Compares the members of two objects: texts, numbers and lists by what they hold, functions and clients by identity.
 *
 * @param a One description.
 * @param b The other one.
 */
export function sameConfig(a: object, b: object): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => {
    const [one, other] = [Reflect.get(a, key), Reflect.get(b, key)] as [unknown, unknown];
    return Object.is(one, other) || (isPlain(one) && isPlain(other) && sameConfig(one, other));
  });
}

/** Lists, and objects as literals make them. */
function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}
