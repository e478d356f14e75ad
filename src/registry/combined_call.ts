/**
 * Calls over several limiters at once.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { type AskOptions, checkAsk } from "../limiter/call_options.ts";
import type { OpenStore } from "../limiter/open_store.ts";
import type { StoreAccess } from "../limiter/store_access.ts";
import type { LimiterTarget } from "../limiter/target.ts";
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
 * @throws {TypeError} If there are none, or they are no objects.
 */
export function combinedCall(
  definitions: Definitions,
  requests: readonly AskFor[],
): { targets: LimiterTarget[]; access: StoreAccess<OpenStore> } {
  if (!Array.isArray(requests)) fail("an array of { limiter, key }", requests);
  for (const request of requests) {
    if (typeof request !== "object" || request === null) fail("objects with the id of a limiter", request);
  }
  const [first] = requests;
  if (first === undefined) throw new TypeError("Cannot acquire from no limiter: the list is empty");
  const { limiter, storeId } = definitions.entry(first.limiter);
  const merged = new Map<string, AskFor>();
  for (const request of requests) {
    const { limiter: other, storeId: otherStore } = definitions.entry(request.limiter);
    if (otherStore !== storeId) {
      throw new ConfigError({
        path: `limiters.${request.limiter}.store`,
        expected: `${show(storeId)}, as of ${show(first.limiter)}: one store makes one decision`,
        received: show(otherStore),
      });
    }
    checkAsk(request.limiter, other.policy, request);
    const name = JSON.stringify([request.limiter, request.key]);
    const before = merged.get(name);
    merged.set(name, before === undefined ? request : { ...request, cost: (before.cost ?? 1) + (request.cost ?? 1) });
  }
  const targets = [...merged.values()].map((request) => definitions.limiter(request.limiter).target(request));
  return { targets, access: limiter.access };
}

function fail(expected: string, received: unknown): never {
  throw new TypeError(`Cannot ask several limiters: expected ${expected}, received ${show(received)}`);
}
