/**
 * The `Forwarded` header of RFC 7239.
 *
 * @module
 */

/** One `name=value` with what follows it: value as a token, or quoted. Nothing else may stand in between. */
const PAIR = /[ \t]*([!#$%&'*+.^_`|~\w-]+)=(?:([!#$%&'*+.^_`|~\w:[\]-]+)|"((?:[^"\\]|\\.)*)")[ \t]*([;,]|$)/ys;

/** The longest header that is read. */
const MAX_LENGTH = 16_384;

/**
 * The `for` of each hop, the last one first.
 *
 * The header is taken only as a whole: a client could otherwise open a quote in its part, which swallows what proxies
 * append. What closes such a quote is followed by an address, where only `;` or `,` may stand.
 *
 * @returns The hops, empty text for one that does not say; `undefined` if the header is malformed.
 */
export function forwardedFor(header: string): string[] | undefined {
  if (header.length > MAX_LENGTH) return undefined;
  const hops: string[] = [];
  let hop: string | undefined;
  let at = 0;
  for (let open = true; open;) {
    PAIR.lastIndex = at;
    const found = PAIR.exec(header);
    if (found === null) return undefined;
    const [whole, name = "", token, quoted, end] = found;
    at += whole.length;
    if (name.toLowerCase() === "for") {
      if (hop !== undefined) return undefined;
      hop = token ?? (quoted as string).replace(/\\(.)/gs, "$1");
    }
    if (end === ";") continue;
    hops.unshift(hop ?? "");
    hop = undefined;
    open = end === ",";
  }
  return hops;
}
