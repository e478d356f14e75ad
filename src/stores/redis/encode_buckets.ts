/**
 * Takes from single token buckets, as `bucket.lua` reads them: alike ones in runs under one header, and those on one
 * key as one entry with a count.
 *
 * @module
 */

import type { TakeRequest, Target } from "../store.ts";
import { type BucketHeader, headerOf, isAlike, KIND } from "./bucket_header.ts";
import type { NamedRequest } from "./encode.ts";

/** Alike takes from one key, as one entry of the script's reply. */
export interface BucketEntry {
  /** Where the first of them stands in the batch. */
  readonly index: number;
  /** Where the others do, if there are any. */
  more: number[] | undefined;
  /** How many that are, or what the one request asks for. */
  times: number;
  /** The number of its run. */
  readonly run: number;
  /** Whether the request itself has a count. */
  readonly asked: boolean;
}

/** Entries under one header. */
export interface BucketRun {
  /** What they have in common. */
  readonly header: BucketHeader;
  /** In the order of the reply. */
  readonly entries: readonly BucketEntry[];
  /** Whether the script was told how often to take each. */
  readonly counted: boolean;
}

const KINDS: readonly string[] = Array.from({ length: 32 }, (_, kind) => String(kind));

/** Turns takes from single token buckets into what the script is told, after `clock`. */
export function encodeBuckets(
  batch: readonly NamedRequest[],
  clock: readonly string[],
): { keys: string[]; args: string[]; runs: BucketRun[] } {
  const keys: string[] = [];
  const args = [...clock];
  const runs: BucketRun[] = [];

  function add(header: BucketHeader, entries: readonly BucketEntry[], counted: boolean): void {
    if (entries.length === 0) return;
    args.push(
      KINDS[header.kind + (counted ? KIND.counts : header.inUse ? KIND.inUse : 0)] as string,
      String(entries.length),
    );
    for (const arg of header.args) args.push(arg);
    for (const entry of entries) {
      keys.push((batch[entry.index] as NamedRequest).keys[0] as string);
      if (counted) args.push(String(entry.times));
    }
    runs.push({ header, entries, counted });
  }

  for (const { header, entries, counted } of gather(batch)) {
    if (!counted) add(header, entries, false);
    else {
      // The keys of a run differ, so its entries may change places.
      add(header, entries.filter((entry) => !isCounted(entry)), false);
      add(header, entries.filter(isCounted), true);
    }
  }
  return { keys, args, runs };
}

interface GatheredRun {
  readonly header: BucketHeader;
  readonly entries: BucketEntry[];
  counted: boolean;
}

/**
 * Sorts requests into runs. Requests on different keys may change places; on one key all that are unlike stay in their
 * order, each in a later run than the one before.
 */
function gather(batch: readonly NamedRequest[]): GatheredRun[] {
  const runs: GatheredRun[] = [];
  const newest = new Map<BucketHeader, number>();
  const lasts = new Map<string, BucketEntry>();
  let header: BucketHeader | undefined;
  let run = -1;
  for (let index = 0; index < batch.length; index++) {
    const { request, keys } = batch[index] as { request: TakeRequest; keys: readonly string[] };
    const target = request.targets[0] as Target;
    if (header === undefined || !isAlike(header, request, target)) {
      header = headerOf(request, target);
      run = newest.get(header) ?? -1;
    }
    const key = keys[0] as string;
    const asked = request.times !== undefined;
    const last = lasts.get(key);
    if (last !== undefined) {
      const before = runs[last.run] as GatheredRun;
      if (before.header === header && !asked && !last.asked && last.times < header.maxTimes) {
        if (last.more === undefined) last.more = [index];
        else last.more.push(index);
        last.times++;
        before.counted ||= header.mode !== "peek";
        continue;
      }
    }
    if (run < 0 || (last !== undefined && run <= last.run)) {
      run = runs.push({ header, entries: [], counted: false }) - 1;
      newest.set(header, run);
    }
    const entry: BucketEntry = { index, more: undefined, times: request.times ?? 1, run, asked };
    const current = runs[run] as GatheredRun;
    current.entries.push(entry);
    current.counted ||= asked;
    lasts.set(key, entry);
  }
  return runs;
}

/** Whether the script must be told how often to take. */
function isCounted({ times, asked }: BucketEntry): boolean {
  return asked || times > 1;
}
