/**
 * Writes the headers of the decisions of one guard.
 *
 * @module
 */

import type { Decision } from "../decision/decision.ts";
import { DraftHeaders } from "./draft_headers.ts";
import { EXPOSED, type HeaderPair } from "./header_pair.ts";
import { type HeaderDialect, headerNames, rateLimitHeaders } from "./headers.ts";

const NO_HEADERS: readonly HeaderPair[] = [];

/** Headers in the dialects of a guard. */
export class HeaderWriter {
  readonly #dialects: readonly HeaderDialect[];
  readonly #draft = new DraftHeaders();
  readonly #exposed: HeaderPair | undefined;
  /** Whether there is one dialect, the newest, and nothing else. */
  readonly #isPlain: boolean;

  /**
   * Writes headers in some dialects.
   *
   * @param dialects The dialects, in the order of the headers.
   * @param exposes Whether scripts of other origins may read the headers.
   */
  constructor(dialects: readonly HeaderDialect[], exposes: boolean) {
    this.#dialects = dialects;
    this.#exposed = exposes ? [EXPOSED, [...headerNames(dialects), "Retry-After"].join(", ")] : undefined;
    this.#isPlain = !exposes && dialects.length === 1 && dialects[0] === "draft-11";
  }

  /**
   * The headers of a decision.
   *
   * @param decision The decision; `undefined` where no limiter has made one.
   * @param nowMs The present, in milliseconds since the Unix epoch, for dialects whose headers hold instants.
   */
  of(decision: Decision | undefined, nowMs: number): readonly HeaderPair[] {
    if (this.#isPlain) return decision === undefined ? NO_HEADERS : this.#draft.of(decision);
    const headers: HeaderPair[] = [];
    if (decision !== undefined) {
      for (const dialect of this.#dialects) {
        headers.push(...dialect === "draft-11" ? this.#draft.of(decision) : rateLimitHeaders(decision, dialect, nowMs));
      }
    }
    if (this.#exposed !== undefined) headers.push(this.#exposed);
    return headers;
  }
}
