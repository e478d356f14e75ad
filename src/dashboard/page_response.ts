/**
 * The page, compressed as it is stored.
 *
 * @module
 */

import { PAGE, SCRIPT_HASH, STYLE_HASH } from "./page.gen.ts";

const HEADERS = {
  "Content-Type": "text/html; charset=utf-8",
  "Cache-Control": "no-cache",
  "Content-Security-Policy": [
    "default-src 'none'",
    `script-src '${SCRIPT_HASH}'`,
    `style-src '${STYLE_HASH}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "Vary": "Accept-Encoding",
  "X-Content-Type-Options": "nosniff",
};

/** Answers with the page: compressed where the client takes that. */
export function pageResponse(request: Request): Promise<Response> {
  const etag = `"${SCRIPT_HASH.slice(-24)}${STYLE_HASH.slice(-12)}"`;
  const headers = { ...HEADERS, ETag: etag };
  if (request.headers.get("if-none-match") === etag) {
    return Promise.resolve(new Response(null, { status: 304, headers }));
  }
  const packed = Uint8Array.from(atob(PAGE), (character) => character.charCodeAt(0));
  const takesGzip = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(request.headers.get("accept-encoding") ?? "");
  if (request.method === "HEAD") return Promise.resolve(new Response(null, { headers }));
  if (takesGzip) return Promise.resolve(new Response(packed, { headers: { ...headers, "Content-Encoding": "gzip" } }));
  return Promise.resolve(
    new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")), { headers }),
  );
}
