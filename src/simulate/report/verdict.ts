/**
 * Whether a report is within what a user allows.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { show } from "../../base/text.ts";
import type { Report } from "./report.ts";
import { countText, shareText } from "./words.ts";

/** The most that is allowed: a number of requests, or a part of all of them such as `0.1%`. */
export interface Allowance {
  /** The most requests that may be denied. */
  readonly maxDenied?: string | undefined;
  /** The most requests that may be denied newly. Needs rules to compare with. */
  readonly maxNewlyDenied?: string | undefined;
}

/**
 * Checks an allowance before anything is replayed.
 *
 * @throws {ConfigError} If it is neither a number of requests nor a percentage.
 */
export function checkAllowance({ maxDenied, maxNewlyDenied }: Allowance): void {
  if (maxDenied !== undefined) mostOf(maxDenied, 0, "max-denied");
  if (maxNewlyDenied !== undefined) mostOf(maxNewlyDenied, 0, "max-newly-denied");
}

/** What a report exceeds, in sentences; empty if it is within the allowance. */
export function excessOf(report: Report, { maxDenied, maxNewlyDenied }: Allowance): readonly string[] {
  const excess: string[] = [];
  const compare = (count: number, most: string | undefined, option: string, what: string) => {
    if (most === undefined || count <= mostOf(most, report.requests, option)) return;
    excess.push(
      `${countText(count)} requests (${shareText(count, report.requests)}) are ${what}, --${option} allows ${most}`,
    );
  };
  compare(report.denied, maxDenied, "max-denied", "denied");
  compare(report.newlyDenied ?? 0, maxNewlyDenied, "max-newly-denied", "newly denied");
  return excess;
}

function mostOf(text: string, requests: number, option: string): number {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim()) ?? [];
  const value = Number(number);
  const isUsable = percent === "%" ? value <= 100 : Number.isSafeInteger(value);
  if (number === undefined || !isUsable) {
    const expected = "a whole number of requests such as 0, or a percentage such as 0.1%";
    throw new ConfigError({ path: `--${option}`, expected, received: show(text) });
  }
  return percent === "%" ? requests * value / 100 : value;
}
