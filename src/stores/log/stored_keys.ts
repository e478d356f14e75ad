/**
 * The keys of a limiter, for people who look for them.
 *
 * @module
 */

import { MAX_PLAIN_KEY } from "../../base/short_key.ts";
import { inNextTurn } from "../../base/turn.ts";
import type { StateTable } from "../memory/state_table.ts";
import type { KeyQuery, StoredKey } from "../store.ts";

/** How many keys are looked at in a turn of the event loop. */
const KEYS_A_TURN = 2_048;

/** The keys that are kept, as they are met. */
export async function* storedKeys(
  table: StateTable,
  { limiter, prefix = "" }: KeyQuery,
): AsyncGenerator<StoredKey, void, void> {
  let looked = 0;
  for (const key of table.keysIn(limiter)) {
    const isHash = key !== undefined && key.length > MAX_PLAIN_KEY;
    if (prefix === "" || (!isHash && key?.startsWith(prefix))) yield { key, isHash };
    if (++looked % KEYS_A_TURN === 0) await new Promise<void>((done) => inNextTurn(done));
  }
}
