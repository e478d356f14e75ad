/**
 * A look at some keys of a Redis store: do they expire, and has this package written them?
 *
 * @module
 */

import { systemClock } from "../../base/clock.ts";
import { StoreError } from "../../base/errors.ts";
import type { NamedPolicy } from "../../policy/policy.ts";
import type { KeySample } from "../inspection.ts";
import type { InspectedServer } from "./inspected_server.ts";
import { isOfLongerPrefix, type KeyNames } from "./keys.ts";
import { sample } from "./scripts.gen.ts";

/** How many keys the server looks at in one call, and how many calls there are for each pattern. */
const KEYS_A_CALL = "500";
const MAX_CALLS = 20;

/** How long all of it may take, in microseconds. */
const TIME_US = 1_500_000;

/** How many names of each kind are kept. */
const MAX_NAMES = 100;

/** How values of earlier versions begin, and how those of this one may: see _state.lua. */
const EARLIER = /^[cfs]/;
const KNOWN = /^[-\dCFMPST-Zbt-\x7f\x80-\uffff]/;

/** Keys that hold no text: of permits, and messages for processes that cannot be called. */
const NO_TEXT = /(?:\}:(?:leases|waiters)$)|(?:\}~(?:leases|waiters):)|(?::wake:%)/;

/** Looks at keys of all servers, until time is over. */
export async function sampleKeys(
  servers: readonly InspectedServer[],
  names: KeyNames,
  limiters: readonly NamedPolicy[],
): Promise<KeySample> {
  const endUs = systemClock.nowUs() + TIME_US;
  const found = new Found(names, limiters);
  const patterns = [names.common, `{${names.common}`].map((begin) => `${begin.replace(/[\\*?[\]]/g, "\\$&")}*`);
  await Promise.all(servers.map(async (server) => {
    for (const pattern of patterns) {
      let cursor = "0";
      for (let calls = 0; calls === 0 || cursor !== "0"; calls++) {
        if (calls === MAX_CALLS || systemClock.nowUs() > endUs) {
          found.isAll = false;
          break;
        }
        const reply = await server.run(sample, [], [cursor, pattern, KEYS_A_CALL]) as readonly (string | number)[];
        const [next, ...entries] = reply;
        cursor = String(next);
        if (cursor === "") throw new StoreError("STORE_REFUSED", `${entries[0]}. Grant +scan to look at keys`);
        for (let i = 0; i + 2 < entries.length; i += 3) {
          found.add(String(entries[i]), Number(entries[i + 1]), String(entries[i + 2]));
        }
      }
    }
  }));
  return found.sample;
}

/** What was found so far. */
class Found {
  isAll = true;
  readonly #names: KeyNames;
  readonly #limiters: ReadonlySet<string>;
  #count = 0;
  readonly #endless: string[] = [];
  readonly #earlier: string[] = [];
  readonly #foreign: string[] = [];
  readonly #unknown = new Set<string>();

  constructor(names: KeyNames, limiters: readonly NamedPolicy[]) {
    this.#names = names;
    this.#limiters = new Set(limiters.map(({ limiter }) => names.limiterPart(limiter)));
  }

  get sample(): KeySample {
    return {
      count: this.#count,
      isAll: this.isAll,
      endless: this.#endless,
      earlier: this.#earlier,
      foreign: this.#foreign,
      limiters: [...this.#unknown],
    };
  }

  add(key: string, lifeMs: number, first: string): void {
    const limiter = this.#names.limiterIn(key);
    if (limiter === undefined || isOfLongerPrefix(key, this.#names.common)) return;
    this.#count++;
    const note = (names: string[]) => {
      if (names.length < MAX_NAMES) names.push(key);
    };
    if (lifeMs === -1) note(this.#endless);
    if (EARLIER.test(first)) note(this.#earlier);
    else if (!KNOWN.test(first) && !NO_TEXT.test(key) && lifeMs !== -2) note(this.#foreign);
    else if (!this.#limiters.has(limiter) && this.#unknown.size < MAX_NAMES) this.#unknown.add(limiter);
  }
}
