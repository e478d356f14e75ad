/**
 * The takes of a batch that are alike stand in groups under one header, and those on one key are one entry with a count.
 *
 * @module
 */

import { type GroupHeader, type HeaderOf, isAlike } from "../alike_takes.ts";
import type { TakeRequest, Target } from "../store.ts";
import type { NamedRequest } from "./named_request.ts";

/** Alike takes from one key, as one entry of the script's reply. */
export interface BatchEntry {
  /** Where the first of them stands in the batch. */
  readonly index: number;
  /** Where the others do, if there are any. */
  more: number[] | undefined;
  /** How many takes that are, or how many the one request asks for. */
  times: number;
  /** The number of its group. */
  readonly group: number;
  /** Whether the request itself has a count. */
  readonly hasTimes: boolean;
}

/** Entries under one header. */
export interface BatchGroup<Header> {
  /** What they have in common. */
  readonly header: Header;
  /** One for each key, in the order of the reply. */
  readonly entries: BatchEntry[];
  /** Whether the script is sent a count for each of them. */
  counted: boolean;
}

/**
 * Sorts takes into groups. Takes from different keys may change places. Those from one key keep their order: each that is
 * unlike the one before stands in a later group.
 */
export function groupTakes<Header extends GroupHeader>(
  batch: readonly NamedRequest[],
  headerOf: HeaderOf<Header>,
): BatchGroup<Header>[] {
  const groups: BatchGroup<Header>[] = [];
  const newest = new Map<Header, number>();
  const lasts = new Map<string, BatchEntry>();
  let header: Header | undefined;
  let group = -1;
  for (let index = 0; index < batch.length; index++) {
    const { request, keys } = batch[index] as { request: TakeRequest; keys: readonly string[] };
    const target = request.targets[0] as Target;
    if (header === undefined || !isAlike(header, request, target)) {
      header = headerOf(request, target);
      group = newest.get(header) ?? -1;
    }
    const key = keys[0] as string;
    const hasTimes = request.times !== undefined;
    const last = lasts.get(key);
    if (last !== undefined) {
      const before = groups[last.group] as BatchGroup<Header>;
      if (before.header === header && !hasTimes && !last.hasTimes && last.times < header.maxTimes) {
        if (last.more === undefined) last.more = [index];
        else last.more.push(index);
        last.times++;
        before.counted ||= header.mode !== "peek";
        continue;
      }
    }
    if (group < 0 || (last !== undefined && group <= last.group)) {
      group = groups.push({ header, entries: [], counted: false }) - 1;
      newest.set(header, group);
    }
    const entry: BatchEntry = { index, more: undefined, times: request.times ?? 1, group, hasTimes };
    const current = groups[group] as BatchGroup<Header>;
    current.entries.push(entry);
    current.counted ||= hasTimes;
    lasts.set(key, entry);
  }
  return groups;
}

/** Whether the script must be sent a count for an entry. */
export function isCounted({ times, hasTimes }: BatchEntry): boolean {
  return hasTimes || times > 1;
}

/** Where the requests of an entry stand in the batch. */
export function placesOf({ index, more }: BatchEntry): readonly number[] {
  return more === undefined ? [index] : [index, ...more];
}
