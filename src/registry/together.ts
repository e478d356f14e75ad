/**
 * Calls over several limiters at once.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { type AskOptions, checkAsk } from "../limiter/call_options.ts";
import type { Route } from "../limiter/engine.ts";
import type { Party } from "../limiter/party.ts";
import type { Definitions } from "./definitions.ts";

/** One limiter's part in a call over several. */
export interface AskFor<Id extends string = string> extends AskOptions {
  /** The limiter's id. */
  readonly limiter: Id;
}

/**
 * The parts of a call over several limiters. One key of one limiter can be named several times: its costs add up.
 *
 * @throws {ConfigError} If the limiters are not all on one store.
 * @throws {TypeError} If there are none.
 */
export function together(
  definitions: Definitions,
  asks: readonly AskFor[],
): { parties: Party[]; route: Route } {
  const [first] = asks;
  if (first === undefined) throw new TypeError("Cannot acquire from no limiter: the list is empty");
  const { limiter, storeId } = definitions.entry(first.limiter);
  const merged = new Map<string, AskFor>();
  for (const ask of asks) {
    const { limiter: other, storeId: otherStore } = definitions.entry(ask.limiter);
    if (otherStore !== storeId) {
      throw new ConfigError({
        path: `limiters.${ask.limiter}.store`,
        expected: `${show(storeId)}, as of ${show(first.limiter)}: one store makes one decision`,
        received: show(otherStore),
      });
    }
    checkAsk(ask.limiter, other.policy, ask);
    const name = JSON.stringify([ask.limiter, ask.key]);
    const before = merged.get(name);
    merged.set(name, before === undefined ? ask : { ...ask, cost: (before.cost ?? 1) + (ask.cost ?? 1) });
  }
  const parties = [...merged.values()].map((ask) => definitions.limiter(ask.limiter).party(ask));
  return { parties, route: limiter.route };
}
