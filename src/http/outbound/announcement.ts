/**
 * What the headers of an answer tell about the limits of the server that gave it.
 *
 * @module
 */

import { readHttpDate, readWait } from "./instant.ts";
import { readQuotaList } from "./quota_list.ts";

/** One quota, as far as it was announced. */
export interface Quota {
  /** Which one it is, among those of a server. */
  readonly name: string;
  /** Units that are left. */
  readonly remaining: number | undefined;
  /** How long until it is whole again, in milliseconds; rounded up to what the server can express. */
  readonly resetMs: number | undefined;
}

/** Everything that was announced and understood. */
export interface Announcement {
  /** The quotas; none where nothing was announced. */
  readonly quotas: readonly Quota[];
  /** How long to stay away, in milliseconds, where the server says so. */
  readonly retryAfterMs: number | undefined;
}

/** Longer values are no announcements, and would only cost time. */
const MAX_LENGTH = 4_096;

/** Headers that tell of one quota each: what is left, and the first of the others that can be read. */
const PLAIN: readonly (readonly [remaining: string, ...resets: string[]])[] = [
  ["ratelimit-remaining", "ratelimit-reset"],
  ["x-ratelimit-remaining", "x-ratelimit-reset-after", "x-ratelimit-reset"],
  ["x-rate-limit-remaining", "x-rate-limit-reset"],
  ["x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
  ["x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
  ["anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"],
  ["anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"],
];

/**
 * Reads the headers of an answer. What is malformed is as if it were not there. Never throws.
 *
 * @param headers The headers.
 * @param nowMs This machine's present, for instants in an answer without a `Date`.
 */
export function readAnnouncement(headers: Headers, nowMs: number): Announcement {
  const read = (name: string) => {
    const value = headers.get(name);
    return value === null || value.length > MAX_LENGTH ? undefined : value;
  };
  // An answer out of a cache tells what was left to somebody else, some time ago.
  if (Number(read("age") ?? 0) > 0) return { quotas: [], retryAfterMs: undefined };
  const serverNowMs = readHttpDate(read("date") ?? "") ?? nowMs;
  const wait = (name: string) => {
    const value = read(name);
    return value === undefined ? undefined : readWait(value, serverNowMs);
  };

  const quotas: Quota[] = [...readQuotaList(read("ratelimit") ?? "")];
  for (const [name, ...resets] of PLAIN) {
    const remaining = readCount(read(name));
    const resetMs = resets.map(wait).find((ms) => ms !== undefined);
    if (remaining !== undefined || resetMs !== undefined) quotas.push({ name, remaining, resetMs });
  }
  const exactMs = readCount(read("retry-after-ms"));
  return { quotas, retryAfterMs: exactMs ?? wait("retry-after") };
}

function readCount(text: string | undefined): number | undefined {
  return text !== undefined && /^ *\d{1,15}(?:\.\d{1,9})? *$/.test(text) ? Number(text) : undefined;
}
