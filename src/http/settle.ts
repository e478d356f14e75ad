/**
 * Cost that is known only when a request has been answered.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import type { GuardedRequest } from "./request.ts";

/** The end of a request. */
export interface Outcome {
  /** The status of the answer, if there was one. */
  readonly status?: number | undefined;
  /** How many bytes of body were sent, where the adapter counts them. */
  readonly bytes?: number | undefined;
  /** Whether the client left before the end of the answer. */
  readonly aborted?: boolean | undefined;
  /** What was thrown, if anything was. */
  readonly error?: unknown;
}

/** The end of a request, and what it was charged. */
export interface SettledOutcome extends Outcome {
  /** The units that were taken when it came in. */
  readonly cost: number;
}

/**
 * Returns the real cost of a request, in units from 0. Fewer than were taken go back to the limit, more are taken
 * from it whatever it says.
 */
export type Settle<Raw = unknown> = (
  outcome: SettledOutcome,
  request: GuardedRequest<Raw>,
) => number | Promise<number>;

/**
 * Counts failures only: an answer with a status below 400 gives its cost back. A request counts while it runs, and one
 * whose client left before the answer has failed. So parallel attempts and early disconnects do not help an attacker.
 *
 * @param failed Returns whether a request failed. @default a status from 400, or no answer
 */
export function failuresOnly(failed: (outcome: SettledOutcome) => boolean = isFailure): Settle {
  return (outcome) => failed(outcome) ? outcome.cost : 0;
}

/**
 * Charges the bytes of answers: one unit when a request comes in, the rest when its answer has been sent.
 *
 * @param unit How many bytes a unit is, from 1. @default {1}
 */
export function responseBytes(unit: number = 1): Settle {
  if (!(typeof unit === "number" && unit >= 1 && unit < Infinity)) {
    throw new ConfigError({ path: "responseBytes", expected: "a number of bytes from 1", received: show(unit) });
  }
  return ({ bytes, cost }) => bytes === undefined ? cost : Math.max(Math.ceil(bytes / unit), cost);
}

function isFailure({ status, aborted, error }: SettledOutcome): boolean {
  return status === undefined || status >= 400 || aborted === true || error !== undefined;
}
