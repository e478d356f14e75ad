/**
 * What the scripts of single windows answer, as replies.
 *
 * @module
 */

import type { StoreError } from "../../base/errors.ts";
import type { TakeReply, TakeStatus } from "../store.ts";
import { LevelReply } from "../level_reply.ts";
import type { ScriptReply } from "./connections/connection.ts";
import type { WindowHeader, WindowRun } from "./encode_windows.ts";
import type { RunEntry } from "./gather.ts";
import { refusedByScript } from "./refused_by_script.ts";

const STATUSES: readonly TakeStatus[] = ["rate", "allowed", "blocked"];

/** Reads the reply to runs of `size` requests; undefined if it is not one entry for each of theirs. */
export function decodeWindows(
  runs: readonly WindowRun[],
  size: number,
  reply: readonly ScriptReply[],
): (TakeReply | StoreError)[] | undefined {
  const replies = new Array<TakeReply | StoreError>(size);
  const nowUs = Number(reply[0]);
  let cursor = 1;
  for (const { header, entries, counted } of runs) {
    for (const entry of entries) {
      const told = reply[cursor++];
      if (typeof told !== "number") {
        const [status, waitUs, used, resetUs] = Array.isArray(told) ? told.map(Number) : [];
        const all = resetUs === undefined
          ? refusedByScript(String(told))
          : new LevelReply(STATUSES[status as number] as TakeStatus, nowUs, waitUs as number, used as number, resetUs);
        for (const i of placesOf(entry)) replies[i] = all;
      } else if (counted) {
        if (!(told >= 0 && told <= entry.times)) return undefined;
        const [used, resetUs, waitUs] = [reply[cursor++], reply[cursor++], reply[cursor++]].map(Number);
        expand(replies, entry, header, told, [nowUs, used as number, resetUs as number, waitUs as number]);
      } else {
        const resetUs = Number(reply[cursor++]);
        const one = told >= 0
          ? new LevelReply("allowed", nowUs, 0, told, resetUs)
          : new LevelReply("rate", nowUs, Number(reply[cursor++]), -1 - told, resetUs);
        if (entry.more === undefined) replies[entry.index] = one;
        else for (const i of placesOf(entry)) replies[i] = one;
      }
    }
  }
  return cursor === reply.length ? replies : undefined;
}

function placesOf({ index, more = [] }: RunEntry): number[] {
  return [index, ...more];
}

/** Answers takes that were one entry: each that was admitted left fewer units in use than the one after it. */
function expand(
  replies: (TakeReply | StoreError)[],
  entry: RunEntry,
  { cost }: WindowHeader,
  taken: number,
  [nowUs, used, resetUs, waitUs]: readonly [number, number, number, number],
): void {
  const denied = taken < entry.times ? new LevelReply("rate", nowUs, waitUs, used, resetUs) : undefined;
  for (const [i, place] of placesOf(entry).entries()) {
    replies[place] = i < taken
      ? new LevelReply("allowed", nowUs, 0, used - (taken - 1 - i) * cost, resetUs)
      : denied as TakeReply;
  }
}
