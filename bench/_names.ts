/**
 * Keys that are made before anything is measured.
 *
 * @module
 */

/** So many keys, such as `user:42`. */
export function userKeys(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `user:${i}`);
}

/** An element of a list, around and around. */
export function around<T>(list: readonly T[], i: number): T {
  return list[i % list.length] as T;
}
