/**
 * Who may see the dashboard, and which requests come from its own page.
 *
 * @module
 */

import { sha256Hex } from "../base/sha256.ts";
import { Problem } from "../serve/problem.ts";

/** The header that the page sends with everything but reading: a page of another origin cannot, without being allowed. */
const OWN_HEADER = "x-ratesync-dashboard";

const COOKIE = "ratesync_dashboard";

/** Checks who may see it. */
export class DashboardAccess {
  readonly #digest: string | undefined;

  constructor(token: string | undefined) {
    this.#digest = token === undefined ? undefined : digestOf(token);
  }

  /**
   * Checks that the visitor has entered the token.
   *
   * @throws {Problem} If not.
   */
  check(headers: Headers): void {
    if (this.#digest === undefined) return;
    const cookies = (headers.get("cookie") ?? "").split(";").map((cookie) => cookie.trim().split("="));
    const sent = cookies.find(([name]) => name === COOKIE)?.[1];
    if (sent === undefined || !isEqual(sent, this.#digest)) {
      throw new Problem("TOKEN_MISSING", "Enter the token that the server was started with");
    }
  }

  /**
   * Takes a token for a cookie, which the page's stream of events can send.
   *
   * @throws {Problem} If it is another token.
   */
  cookieFor(token: string, isSecure: boolean): string {
    const digest = digestOf(token);
    if (this.#digest !== undefined && !isEqual(digest, this.#digest)) {
      throw new Problem("TOKEN_WRONG", "The token is not this server's");
    }
    return `${COOKIE}=${digest}; HttpOnly; SameSite=Strict; Path=/${isSecure ? "; Secure" : ""}`;
  }
}

/**
 * Makes sure that a request was made by the page itself, so that no other page can use the rights of a visitor.
 *
 * @throws {Problem} If it was not.
 */
export function checkOwnPage(headers: Headers): void {
  const site = headers.get("sec-fetch-site");
  const origin = headers.get("origin");
  const isOwn = site === null ? origin === null || hostOf(origin) === headers.get("host") : site === "same-origin";
  if (isOwn && headers.get(OWN_HEADER) === "1") return;
  const expected = `expected ${OWN_HEADER}: 1, and an Origin of this host or none`;
  throw new Problem("HOST_REFUSED", `Only the page of the dashboard itself may ask for this: ${expected}`);
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

/** The cookie is no password of its own: it proves that its holder knew the token. */
function digestOf(token: string): string {
  return sha256Hex(new TextEncoder().encode(`ratesync dashboard ${token}`));
}

/** Compares in the same time wherever they differ. */
function isEqual(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
