/**
 * An explanation: data, and a text made from it.
 *
 * @module
 */

import { durationWords } from "../../base/duration_words.ts";
import { showAs, shownKey } from "../../base/inspect.ts";
import { show } from "../../base/text.ts";
import type { DenialReason } from "../outcome.ts";
import type {
  DeniedBy,
  ExplainedChange,
  ExplainedLimit,
  ExplainedLimiter,
  ExplainedOutage,
  ExplanationData,
  ExplanationSource,
} from "./types.ts";

/** The most characters of a line of text. */
const WIDTH = 100;

/** Why a call is allowed or denied, what stands in each limit, and what would change it. */
export class Explanation implements ExplanationData {
  /** Whether the call is allowed. */
  readonly allowed: boolean;
  /** Why it is denied; undefined if it is allowed. */
  readonly reason: DenialReason | undefined;
  /** What denies it; undefined if it is allowed. */
  readonly deniedBy: DeniedBy | undefined;
  /** How long until it is allowed, with no other traffic, in milliseconds; 0 if it is. */
  readonly retryAfterMs: number;
  /** The whole of it in one or two sentences, without the key. */
  readonly summary: string;
  /** Who decided. */
  readonly source: ExplanationSource;
  /** Whether the store was asked for everything. A decision alone does not know all of it. */
  readonly complete: boolean;
  /** Each limiter of the call. */
  readonly limiters: readonly ExplainedLimiter[];
  /** Why the store has not decided; undefined if it has. */
  readonly outage: ExplainedOutage | undefined;
  /** What would change a denial; empty if the call is allowed. */
  readonly changes: readonly ExplainedChange[];

  /**
   * Made by `explain()` of a decision or of an instance.
   *
   * @internal
   */
  constructor(data: ExplanationData) {
    this.allowed = data.allowed;
    this.reason = data.reason;
    this.deniedBy = data.deniedBy;
    this.retryAfterMs = data.retryAfterMs;
    this.summary = data.summary;
    this.source = data.source;
    this.complete = data.complete;
    this.limiters = data.limiters;
    this.outage = data.outage;
    this.changes = data.changes;
  }

  /** The explanation as a plain object. It holds the keys of the call. */
  toJSON(): ExplanationData {
    return { ...this };
  }

  /** The explanation as text, in lines of at most 100 characters. It shows the keys of the call. */
  toString(): string {
    const lines = wrapped(this.summary, "");
    for (const limiter of this.limiters) lines.push("", ...limiterLines(limiter));
    if (this.outage !== undefined) lines.push("", ...outageLines(this.outage));
    if (this.changes.length > 0) {
      lines.push("", "What would change this:");
      for (const { text } of this.changes) lines.push(...wrapped(`- ${text}`, "  "));
    }
    if (!this.complete && this.limiters.some(hasUnknown)) {
      const advice = "The decision does not know all of it: explain() of an instance asks the store.";
      lines.push("", ...wrapped(advice, ""));
    }
    return lines.join("\n");
  }
}

showAs(Explanation.prototype, "Explanation", (it) => it.toJSON());

function limiterLines({ limiter, key, keyClass, cost, block, limits }: ExplainedLimiter): string[] {
  const of = key === undefined ? "the limiter as a whole" : `key ${show(shownKey(key), 200)}`;
  const kind = key === undefined || keyClass === "key" ? "" : ` (${keyClass})`;
  const lines = wrapped(`${show(limiter)}, ${of}${kind}, cost ${cost}`, "  ");
  if (block !== undefined) {
    const what = block.kind === "block" ? "blocked" : "paused, as a server asked";
    lines.push(`  ${what}${block.endsInMs === undefined ? "" : ` for ${durationWords(block.endsInMs)}`}`);
  }
  limits.forEach((limit, i) => lines.push(...limitLines(limit, i + 1)));
  return lines;
}

function limitLines({ rule, limit, standing, denies, deniesForMs, free }: ExplainedLimit, number: number): string[] {
  const denial = !denies ? "" : ` DENIES this call${deniesForMs ? ` for ${durationWords(deniesForMs)}` : ""}.`;
  const lines = wrapped(`  ${number}. ${rule}: ${standing}.${denial}`, "     ");
  const times = free.filter(({ reason }) => reason !== "more_than_limit" && reason !== "not_known").map((each) => {
    const what = each.units === limit && limit > 1 ? `all ${limit}` : `${each.units}`;
    return `${what} ${each.afterMs === undefined ? "when released" : whenWords(each.afterMs)}`;
  });
  if (times.length > 0) lines.push(...wrapped(`     free: ${times.join(", ")}`, "     "));
  return lines;
}

function whenWords(afterMs: number): string {
  return afterMs === 0 ? "now" : `in ${durationWords(afterMs)}`;
}

function outageLines({ store, code, reason, message, sinceMs, policy }: ExplainedOutage): string[] {
  const since = sinceMs === undefined ? "" : ` since ${new Date(sinceMs).toISOString()}`;
  const what = `Store ${show(store)} could not decide${since} (${reason ?? code}), so onStoreError ${
    show(policy)
  } did:`;
  return [...wrapped(what, ""), ...wrapped(`  ${message}`, "  ")];
}

function hasUnknown({ limits }: ExplainedLimiter): boolean {
  return limits.some(({ free, permits }) =>
    free.some(({ reason }) => reason === "not_known") || (permits !== undefined && permits.waiting === undefined)
  );
}

/** A text in lines; those after the first are indented. A word that is longer than a line has one of its own. */
function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = /^ */.exec(text)?.[0] ?? "";
  let isEmpty = true;
  for (const word of text.trim().split(" ")) {
    if (!isEmpty && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = indent + word;
    } else line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}
