/**
 * Takes from single token buckets, as `bucket.lua` reads them: alike ones in runs under one header, and those on one
 * key as one entry with a count.
 *
 * @module
 */

import { type BucketHeader, headerOf, KIND } from "./bucket_header.ts";
import type { NamedRequest } from "./named_request.ts";
import { gather, isCounted, type RunEntry } from "./gather.ts";

/** Entries under one header. */
export interface BucketRun {
  /** What they have in common. */
  readonly header: BucketHeader;
  /** In the order of the reply. */
  readonly entries: readonly RunEntry[];
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

  function add(header: BucketHeader, entries: readonly RunEntry[], counted: boolean): void {
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

  for (const { header, entries, counted } of gather(batch, headerOf)) {
    if (!counted) add(header, entries, false);
    else {
      // The keys of a run differ, so its entries may change places.
      add(header, entries.filter((entry) => !isCounted(entry)), false);
      add(header, entries.filter(isCounted), true);
    }
  }
  return { keys, args, runs };
}
