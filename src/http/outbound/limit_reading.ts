/**
 * What the body of an answer says about limits: as `readLimit` of the user reads it, or as a known service writes it.
 *
 * @module
 */

import { show } from "../../base/text.ts";
import { nearest } from "../../base/nearest.ts";
import { BODY_FAMILIES, type BodyFamily } from "./families.ts";
import type { LimitResponse } from "./limit_response.ts";

/** What an answer says about limits. Every part may be left out. */
export interface LimitReading {
  /** How long to wait, in milliseconds from 0. More than 0 means that the answer refuses the request. */
  readonly retryAfterMs?: number | undefined;
  /** Units that are left, from 0. */
  readonly remaining?: number | undefined;
  /** How long until the quota is whole again, in milliseconds from 0. */
  readonly resetMs?: number | undefined;
  /**
   * Whether the answer refuses the request because of a limit.
   * @default whether `retryAfterMs` is more than 0, or the status is one of `refusals`
   */
  readonly refused?: boolean | undefined;
}

/** What was read, with what only the services of the table say. */
export interface BodyReading extends LimitReading {
  /** How long to wait, in milliseconds, where no header says so. */
  readonly waitMs?: number | undefined;
  /** How long one unit takes to come back, in milliseconds. */
  readonly unitMs?: number | undefined;
}

const NUMBERS = ["retryAfterMs", "remaining", "resetMs"] as const;
const KNOWN: readonly string[] = [...NUMBERS, "refused"];

/**
 * Checks what `readLimit` returned.
 *
 * @throws {TypeError} If it is nothing that can be used.
 */
export function checkReading(value: unknown): LimitReading | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) throw wrong("", "an object, undefined or null", value);
  for (const [name, part] of Object.entries(value)) {
    if (!KNOWN.includes(name)) {
      const guess = nearest(name, KNOWN);
      throw wrong(`.${name}`, guess === undefined ? `one of ${KNOWN.join(", ")}` : show(guess), part);
    }
    if (part === undefined) continue;
    if (name === "refused" && typeof part !== "boolean") throw wrong(".refused", "true or false", part);
    if (name !== "refused" && !(typeof part === "number" && part >= 0)) {
      throw wrong(`.${name}`, "a number from 0", part);
    }
  }
  return value;
}

/**
 * Reads the body of an answer of a service that says more in it than in its headers. Other bodies stay unread.
 *
 * @returns Undefined where the answer is none of those, or its body cannot be read.
 */
export async function readKnownBody(response: LimitResponse): Promise<BodyReading | undefined> {
  const families = BODY_FAMILIES.filter((family) => mayBeOf(family, response));
  if (families.length === 0) return undefined;
  const text = await response.text().catch(() => "");
  const family = families.find((each) => each.text.test(text));
  if (family === undefined) return undefined;
  const { refused, bucket } = family;
  const seconds = family.text.exec(text)?.groups?.["seconds"];
  const waitMs = seconds === undefined ? family.waitMs : Number(seconds) * 1_000;
  return { refused, waitMs, ...bucket && await response.json().then((json) => readBucket(bucket, json), () => ({})) };
}

/** Whether an answer may be one of the family, by what can be seen without its body. */
function mayBeOf({ statuses, headers, path }: BodyFamily, { status, headers: given, url }: LimitResponse): boolean {
  if (!statuses.includes(status) || headers?.some((name) => given.has(name)) === false) return false;
  if (/^text\/event-stream\b/i.test(given.get("content-type") ?? "")) return false;
  return path === undefined || path.test(url.split(/[?#]/, 1)[0] ?? "");
}

function readBucket(paths: NonNullable<BodyFamily["bucket"]>, json: unknown): BodyReading {
  const [remaining, perSecond, cost] = [paths.remaining, paths.perSecond, paths.cost].map((path) =>
    numberAt(json, path)
  );
  if (remaining === undefined || perSecond === undefined || cost === undefined || perSecond <= 0) return {};
  const unitMs = 1_000 / perSecond;
  return { remaining, unitMs, retryAfterMs: Math.max(cost - remaining, 1) * unitMs };
}

function numberAt(json: unknown, path: string): number | undefined {
  let value = json;
  for (const name of path.split(".")) value = (value as Record<string, unknown> | null | undefined)?.[name];
  return typeof value === "number" && value >= 0 ? value : undefined;
}

function wrong(path: string, expected: string, received: unknown): TypeError {
  return new TypeError(`Cannot use readLimit()${path}: expected ${expected}, received ${show(received)}`);
}
