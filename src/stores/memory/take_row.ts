/**
 * The decision that most calls ask for: one key whose states are numbers, now. What `transaction.ts` and the kernels do, in one
 * stretch, and without making a state.
 *
 * @module
 */

import type { FlatLimit } from "../../algorithms/flat.ts";
import type { RateState } from "../../algorithms/kernels.ts";
import { shortKey } from "../../base/short_key.ts";
import { LevelReply } from "../level_reply.ts";
import { RatesReply } from "../rates_reply.ts";
import { IN_LEFT, type LevelLeft, type TakeReply, type TakeRequest } from "../store.ts";
import type { StateTable } from "./state_table.ts";
import type { LimiterTable } from "./limiter_table.ts";
import type { RowTable } from "./row_table.ts";

/**
 * Decides if numbers are all that the key is, and nothing has to be promised for later; else undefined, and where the key is
 * blocked or the clock has stepped back. `IN_LEFT` where it is allowed and `left` says all else. It stays small enough
 * to be compiled as one.
 */
export function takeRow(
  table: StateTable,
  keys: LimiterTable,
  rowTable: RowTable,
  asWritten: string | undefined,
  cost: number,
  nowUs: number,
  mode: TakeRequest["mode"],
  maxWaitUs: number,
  left: LevelLeft | undefined,
): TakeReply | undefined {
  const key = shortKey(asWritten);
  let place = rowTable.find(key);
  if ((place === 0 && keys.isElsewhere(key)) || (rowTable.hasOdd && rowTable.isOdd(key, nowUs))) return undefined;
  const atUs = rowTable.all.earliest(rowTable.rows, place * rowTable.width, nowUs, cost);
  const waitUs = atUs - nowUs;
  const allowed = waitUs <= 0;
  if (!allowed && (Number.isNaN(waitUs) || (mode === "wait" && waitUs <= maxWaitUs))) return undefined;
  if (allowed && mode !== "peek") {
    if (place === 0) {
      table.makeRoom(keys, nowUs);
      place = rowTable.add(key);
    }
    rowTable.all.take(rowTable.rows, place * rowTable.width, nowUs, cost);
  }
  const status = allowed ? "allowed" : "rate";
  const { flats, rows, width } = rowTable;
  if (flats.length > 1) return new RatesReply(status, nowUs, waitUs, rowTable.levelsOf(place, nowUs), undefined);
  const flat = flats[0] as FlatLimit<RateState>;
  const at = place * width;
  const first = flat.first(rows, at, nowUs);
  const second = flat.second(rows, at, nowUs);
  if (left === undefined || !allowed) return new LevelReply(status, nowUs, waitUs, first, second);
  left.nowUs = nowUs;
  left.first = first;
  left.second = second;
  return IN_LEFT;
}
