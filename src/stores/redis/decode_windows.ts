/**
 * What the scripts of single windows answer, as replies.
 *
 * @module
 */

import type { StoreError } from "../../base/errors.ts";
import type { TakeReply, TakeStatus } from "../store.ts";
import { LevelReply } from "../level_reply.ts";
import type { ScriptReply } from "./connections/connection.ts";
import type { WindowHeader } from "./encode_windows.ts";
import { apart } from "./joined.ts";
import { type BatchEntry, type BatchGroup, placesOf } from "../alike_takes.ts";
import { refusedByScript } from "./refused_by_script.ts";

const STATUSES: readonly TakeStatus[] = ["rate", "allowed", "blocked"];

/** Reads the reply to groups of `size` requests; undefined if it is not one entry for each of theirs. */
export function decodeWindows(
  windows: readonly BatchGroup<WindowHeader>[],
  size: number,
  reply: readonly ScriptReply[],
): (TakeReply | StoreError)[] | undefined {
  const replies = new Array<TakeReply | StoreError>(size);
  const nowUs = Number(reply[0]);
  let cursor = 1;
  for (const { header, entries, counted } of windows) {
    const { scale } = header;
    for (const entry of entries) {
      const answer = reply[cursor++];
      if (typeof answer !== "number") {
        const [status, waitUs, used, resetUs] = Array.isArray(answer) ? answer.map(Number) : [];
        const all = resetUs === undefined
          ? refusedByScript(String(answer))
          : new LevelReply(STATUSES[status as number] as TakeStatus, nowUs, waitUs as number, used as number, resetUs);
        for (const i of placesOf(entry)) replies[i] = all;
      } else if (counted) {
        if (!(answer >= 0 && answer <= entry.times)) return undefined;
        const [used, resetUs, waitUs] = [reply[cursor++], reply[cursor++], reply[cursor++]].map(Number);
        expand(replies, entry, header, answer, [nowUs, used as number, resetUs as number, waitUs as number]);
      } else if (scale > 0 && answer >= scale) {
        const one = new LevelReply("allowed", nowUs, 0, ...apart(answer, scale));
        if (entry.more === undefined) replies[entry.index] = one;
        else for (const i of placesOf(entry)) replies[i] = one;
      } else {
        const resetUs = Number(reply[cursor++]);
        const one = answer >= 0
          ? new LevelReply("allowed", nowUs, 0, answer, resetUs)
          : new LevelReply("rate", nowUs, Number(reply[cursor++]), -1 - answer, resetUs);
        if (entry.more === undefined) replies[entry.index] = one;
        else for (const i of placesOf(entry)) replies[i] = one;
      }
    }
  }
  return cursor === reply.length ? replies : undefined;
}

/** Answers takes that were one entry: each that was admitted left fewer units in use than the one after it. */
function expand(
  replies: (TakeReply | StoreError)[],
  entry: BatchEntry,
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
