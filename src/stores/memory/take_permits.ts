/**
 * Takes and gives back permits of one key where nothing else counts: what `rounds.ts` does, without looking around.
 *
 * @module
 */

import { shortKey } from "../../base/short_key.ts";
import type { TakeReply, Target } from "../store.ts";
import { freshCell } from "./cell_box.ts";
import type { Cells } from "./cells.ts";
import { SlotBook } from "./slot_book.ts";

/** Takes if the limiter has permits alone, some are free, and nobody waits; else undefined, and nothing is taken. */
export function takePermits(cells: Cells, target: Target, id: string, nowUs: number): TakeReply | undefined {
  const { limiter, policy, slots } = target;
  const { maxConcurrent } = policy;
  if (maxConcurrent === 0 || policy.rates.length > 0) return undefined;
  const shelf = cells.shelfOf(limiter, policy);
  const key = shortKey(target.key);
  const known = shelf.cellOf(key);
  if (known === undefined ? shelf.has(key) : known.policy !== policy || known.blockedUs > nowUs) return undefined;
  const book = known?.slots ?? new SlotBook();
  if (book.waiting > 0) return undefined;
  const used = book.live(nowUs) + slots;
  if (used > maxConcurrent) return undefined;

  if (known === undefined) cells.makeRoom(shelf, nowUs);
  const fence = book.grant(id, slots, nowUs, policy.leaseTtlUs);
  if (known?.slots === undefined) {
    const cell = known ?? freshCell(policy);
    cell.slots = book;
    shelf.write(key, cell);
  }
  const level = { rates: [], slots: { used, freeInUs: book.freeIn(nowUs), fence } };
  return { status: "allowed", nowUs, waitUs: 0, arrivalUs: 0, levels: [level] };
}

/** Gives back what an id holds, if nobody waits for it; else undefined, and nothing is given back. */
export function releasePermits(cells: Cells, { limiter, policy, key }: Target, id: string): number | undefined {
  const cell = cells.shelfOf(limiter, policy).cellOf(shortKey(key));
  if (cell?.slots === undefined || cell.policy !== policy || cell.slots.waiting > 0) return undefined;
  return cell.slots.release(id);
}
