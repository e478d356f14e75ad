/**
 * Takes that are alike: what they have in common is worked out once and kept. In a batch they stand in groups under that
 * header, and those on one key are one entry with a count.
 *
 * @module
 */

import type { Policy } from "../policy/policy.ts";
import type { StoreRequest, TakeRequest, Target } from "./store.ts";

/** What the takes of a group have in common. */
export interface GroupHeader {
  /** The rules. */
  readonly policy: Policy;
  /** When to decide. */
  readonly mode: TakeRequest["mode"];
  /** The longest acceptable wait, in microseconds. */
  readonly maxWaitUs: number;
  /** Units of one take. */
  readonly cost: number;
  /** How many takes may be one entry. */
  readonly maxTimes: number;
}

/** Whether a request belongs under a header. */
export function isAlike(header: GroupHeader, { mode, maxWaitUs }: TakeRequest, { policy, cost }: Target): boolean {
  return header.policy === policy && header.cost === cost && header.mode === mode && header.maxWaitUs === maxWaitUs;
}

/** Finds the header of a take, or makes it. */
export type HeaderOf<Header> = (request: TakeRequest, target: Target) => Header;

/** How many headers are kept for a policy: costs and waits usually vary in few ways. */
const MAX_HEADERS = 16;

/** Keeps the headers that `make` has made, as long as their policies live. */
export function keptHeaders<Header extends GroupHeader>(make: HeaderOf<Header>): HeaderOf<Header> {
  const kept = new WeakMap<Policy, Header[]>();
  return (request, target) => {
    const { policy } = target;
    let headers = kept.get(policy);
    if (headers === undefined) kept.set(policy, headers = []);
    for (const header of headers) {
      if (isAlike(header, request, target)) return header;
    }
    if (headers.length >= MAX_HEADERS) headers.length = 0;
    const header = make(request, target);
    headers.push(header);
    return header;
  };
}

/** Alike takes from one key, as one entry of the reply. */
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
  /** Whether a count is sent for each of them. */
  counted: boolean;
}

/** A take of a batch. */
export interface BatchedTake {
  /** The request. */
  readonly request: StoreRequest;
  /** The names of its keys, first that of its target. */
  readonly keys: readonly string[];
}

/**
 * Sorts takes into groups. Takes from different keys may change places. Those from one key keep their order: each that is
 * unlike the one before stands in a later group. Entries with a count stand in groups of their own.
 */
export function groupTakes<Header extends GroupHeader>(
  batch: readonly BatchedTake[],
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
  return groups.some(({ counted }) => counted) ? groups.flatMap(partsOf) : groups;
}

/** A group in parts: for those of one take, no count need be sent. The keys of a group differ, so they may change places. */
function partsOf<Header>(group: BatchGroup<Header>): BatchGroup<Header>[] {
  const { header, entries, counted } = group;
  const alone = counted ? entries.filter((entry) => !isCounted(entry)) : [];
  if (alone.length === 0) return [group];
  return [{ header, entries: alone, counted: false }, { header, entries: entries.filter(isCounted), counted }];
}

/** Whether a count must be sent for an entry. */
function isCounted({ times, hasTimes }: BatchEntry): boolean {
  return hasTimes || times > 1;
}

/** Where the requests of an entry stand in the batch. */
export function placesOf({ index, more }: BatchEntry): readonly number[] {
  return more === undefined ? [index] : [index, ...more];
}
