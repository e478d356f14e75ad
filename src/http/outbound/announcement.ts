/**
 * What the headers of an answer say about the limits of the server.
 *
 * @module
 */

import { type HeaderFamily, PACKED_FAMILIES, type PackedFamily, type ResetUnit, RETRY_HEADERS } from "./families.ts";
import { isFine, readHttpDate, readWait } from "./instant.ts";
import type { Quota } from "./quota.ts";
import { readQuotaList } from "./quota_list.ts";

/** What an answer announces, as far as it was understood. */
export interface Announcement {
  /** The quotas; none where nothing was announced. */
  readonly quotas: readonly Quota[];
  /** How long to wait, in milliseconds, where the server says so. */
  readonly retryAfterMs: number | undefined;
}

/** Longer values are no announcements, and would only cost time. */
const MAX_LENGTH = 4_096;

/** The parts of a header that was sent twice. The comma after a weekday separates nothing. */
const PIECES = /(?: *(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},)?[^,]+/gi;

/** The headers of one answer. */
interface Reading {
  readonly read: (name: string) => string | undefined;
  readonly serverNowMs: number;
}

/**
 * Reads the headers of an answer. What is malformed is as if it were not there. Never throws.
 *
 * @param headers The headers.
 * @param nowMs This machine's present, for instants in an answer without a `Date`.
 * @param families The families of headers to look for.
 */
export function readAnnouncement(headers: Headers, nowMs: number, families: readonly HeaderFamily[]): Announcement {
  const read = (name: string) => {
    const value = headers.get(name);
    return value === null || value.length > MAX_LENGTH ? undefined : value;
  };
  // An answer from a cache has the headers of an earlier request of another client.
  if (Number(read("age") ?? 0) > 0) return { quotas: [], retryAfterMs: undefined };
  const reading = { read, serverNowMs: readHttpDate(read("date") ?? "") ?? nowMs };
  return {
    quotas: [
      ...readQuotaList(read("ratelimit") ?? ""),
      ...families.flatMap((family) => quotasOf(family, reading)),
      ...PACKED_FAMILIES.flatMap((family) => packedQuotas(family, reading)),
    ],
    retryAfterMs: readRetryAfter(reading),
  };
}

/** The longest wait of the first header that asks for one. A proxy and the server behind it may both have written it. */
function readRetryAfter(reading: Reading): number | undefined {
  let longestMs: number | undefined;
  for (const { header, unit } of RETRY_HEADERS) {
    const waits = waitsOf(header, unit, reading).flatMap(({ ms }) => ms ?? []);
    if (waits.length > 0) longestMs = Math.max(...waits);
    if ((longestMs ?? 0) > 0) break;
  }
  return longestMs;
}

/** The quotas of one family. Headers that were sent twice, by two servers, announce two quotas. */
function quotasOf(family: HeaderFamily, reading: Reading): Quota[] {
  const { remaining: header, resets = [], unit, names = [] } = family;
  const counts = header === undefined ? [] : piecesOf(reading.read(header)).map(readCount);
  let waits: Wait[] = [];
  for (const reset of resets) {
    waits = waitsOf(reset, unit, reading);
    if (waits.some(({ ms }) => ms !== undefined)) break;
  }
  if (counts.length === 0 && waits.length === 0) return [];
  const label = names.map(reading.read).find((name) => name !== undefined);
  const name = `${header ?? resets[0]}${label === undefined ? "" : ` ${label}`}`;
  if (counts.length > 1 && waits.length > 1 && counts.length !== waits.length) {
    // It is unknown which of them belong together.
    const ms = waits.flatMap((wait) => wait.ms ?? []).sort((a, b) => b - a)[0];
    const remaining = counts.flatMap((count) => count ?? []).sort((a, b) => a - b)[0];
    return quotaOf(name, remaining, { ms, exact: false });
  }
  return Array.from({ length: Math.max(counts.length, waits.length) }, (_, i) => {
    const remaining = counts[Math.min(i, counts.length - 1)];
    const wait = waits[Math.min(i, waits.length - 1)] ??
      (remaining === undefined ? NO_WAIT : windowOf(family, reading));
    return quotaOf(i === 0 ? name : `${name} #${i + 1}`, remaining, wait);
  }).flat();
}

function quotaOf(name: string, remaining: number | undefined, { ms: resetMs, exact }: Wait): Quota[] {
  return remaining === undefined && resetMs === undefined ? [] : [{ name, remaining, resetMs, exact }];
}

/** How long the window lasts at most, of a service that announces no end. */
function windowOf({ windowMs, windowMsHeader, aligned }: HeaderFamily, { read, serverNowMs }: Reading): Wait {
  const lengthMs = windowMsHeader === undefined ? windowMs : readCount(read(windowMsHeader));
  if (lengthMs === undefined) return NO_WAIT;
  return { ms: aligned ? lengthMs - serverNowMs % lengthMs : lengthMs, exact: false };
}

function packedQuotas({ header, pattern, refillMs }: PackedFamily, { read }: Reading): Quota[] {
  return Array.from((read(header) ?? "").matchAll(pattern), ({ groups = {} }) => {
    const { name, used, limit = "0", minutes } = groups;
    const remaining = used === undefined ? Number(groups.remaining) : Math.max(Number(limit) - Number(used), 0);
    const label = name === undefined ? header : `${header} ${name}`;
    if (refillMs !== undefined && Number(limit) > 0) {
      const unitMs = refillMs / Number(limit);
      return { name: label, remaining, resetMs: Number(used) * unitMs, unitMs };
    }
    return { name: label, remaining, resetMs: minutes === undefined ? undefined : Number(minutes) * 60_000 };
  });
}

/** The wait that a header announces. */
interface Wait {
  readonly ms: number | undefined;
  readonly exact: boolean;
}

const NO_WAIT: Wait = { ms: undefined, exact: false };

function waitsOf(header: string, unit: ResetUnit | undefined, { read, serverNowMs }: Reading): Wait[] {
  return piecesOf(read(header)).map((piece) => ({
    ms: readWait(piece, serverNowMs, unit),
    exact: isFine(piece, unit),
  }));
}

function piecesOf(text: string | undefined): string[] {
  return text === undefined ? [] : (text.match(PIECES) ?? []).map((piece) => piece.trim());
}

function readCount(text: string | undefined): number | undefined {
  return text !== undefined && /^ *\d{1,15}(?:\.\d{1,9})? *$/.test(text) ? Number(text) : undefined;
}
