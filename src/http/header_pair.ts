/**
 * Headers, as a guard hands them to adapters, and what can be sent as one.
 *
 * @module
 */

/** A header's name and value. */
export type HeaderPair = readonly [name: string, value: string];

/** What can be sent as a header's value: printable ASCII, so that nothing begins a line of its own. */
export function headerValue(value: unknown): string {
  return String(value).replace(/[^\x20-\x7e]/g, "?").trim();
}

/** Whether a text can be a header's name. */
export function isHeaderName(name: string): boolean {
  return /^[!#$%&'*+.^_`|~\w-]+$/.test(name);
}

/** The header that lets scripts of other origins read the headers that it lists. */
export const EXPOSED = "Access-Control-Expose-Headers";
