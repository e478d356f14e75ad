/**
 * Who may call: clients that have the token; without a token, programs on this machine.
 *
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";

import { isLoopback } from "./options.ts";
import { Problem } from "./problem.ts";

/** Checks requests. */
export class Access {
  readonly #digest: Uint8Array | undefined;
  readonly #isSocket: boolean;

  /** `isSocket`: the server listens on a Unix socket, whose file says who may ask. */
  constructor(token: string | undefined, isSocket: boolean) {
    this.#digest = token === undefined ? undefined : digestOf(token);
    this.#isSocket = isSocket;
  }

  /** Whether a request has the token; always, where none is needed. */
  allows(authorization: string | undefined): boolean {
    if (this.#digest === undefined) return true;
    const sent = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    // Digests have one length, and are compared in the same time wherever they differ.
    return sent !== undefined && timingSafeEqual(digestOf(sent), this.#digest);
  }

  /**
   * Checks the token.
   *
   * @throws {Problem} If it is missing or wrong.
   */
  check(authorization: string | undefined): void {
    if (this.allows(authorization)) return;
    const isMissing = authorization === undefined;
    throw new Problem(
      isMissing ? "TOKEN_MISSING" : "TOKEN_WRONG",
      isMissing
        ? "Send the token as Authorization: Bearer TOKEN"
        : "The token of the Authorization header is not this server's",
      {},
      { "WWW-Authenticate": 'Bearer realm="ratesync"' },
    );
  }

  /**
   * Without a token, checks that the client meant this machine. A page in a browser can reach loopback under a host name of
   * its own (DNS rebinding); then the Host header names that.
   *
   * @throws {Problem} If it names another machine.
   */
  checkHost(host: string | undefined): void {
    if (this.#digest !== undefined || this.#isSocket) return;
    const name = (host ?? "").replace(/:\d+$/, "");
    if (isLoopback(name)) return;
    throw new Problem("HOST_REFUSED", "Without a token, the Host header must be localhost or a loopback address");
  }
}

function digestOf(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
