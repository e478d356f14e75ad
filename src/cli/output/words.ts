/**
 * Numbers of things in words.
 *
 * @module
 */

/** A number of things: `1 key`, `2 keys`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
