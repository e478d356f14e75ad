/**
 * The decision that most calls ask for: one key whose states are numbers, now. What `transaction.ts` and the kernels do, in one
 * stretch, and without making a state.
 *
 * @module
 */

import type { FlatLevel, FlatLimit } from "../../algorithms/flat.ts";
import type { RateState } from "../../algorithms/kernels.ts";
import { shortKey } from "../../base/short_key.ts";
import { LevelReply } from "../level_reply.ts";
import { RatesReply } from "../rates_reply.ts";
import { IN_LEFT, type LevelLeft, type TakeReply, type TakeRequest } from "../store.ts";
import type { StateTable } from "./state_table.ts";
import type { LimiterTable } from "./limiter_table.ts";
import type { RowTable } from "./row_table.ts";

/** Where a level is written for which the caller has no place. */
const SCRATCH: FlatLevel = { first: 0, second: 0 };

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
  let place = rowTable.places.get(key) ?? 0;
  if (place === 0 && keys.isElsewhere(key)) return undefined;
  if ((rowTable.more.size > 0 || rowTable.blocks.size > 0) && rowTable.isOdd(key, nowUs)) return undefined;
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
  const level = left ?? SCRATCH;
  flat.measure(rows, at, nowUs, level);
  if (left === undefined || !allowed) return new LevelReply(status, nowUs, waitUs, level.first, level.second);
  left.nowUs = nowUs;
  return IN_LEFT;
}
