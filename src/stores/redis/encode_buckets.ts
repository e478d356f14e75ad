/**
 * Takes from single token buckets, as `bucket.lua` reads them: alike ones in groups under one header, and those on one
 * key as one entry with a count.
 *
 * @module
 */

import { type BatchEntry, type BatchGroup, groupTakes, isCounted } from "./batch_groups.ts";
import { type BucketHeader, bucketHeaderOf, FLAGS } from "./bucket_header.ts";
import type { NamedRequest } from "./named_request.ts";

const FLAG_ARGS: readonly string[] = Array.from({ length: 32 }, (_, flags) => String(flags));

/** Turns takes from single token buckets into KEYS and ARGV of the script; `clock` stands in front. */
export function encodeBuckets(
  batch: readonly NamedRequest[],
  clock: readonly string[],
): { keys: string[]; args: string[]; buckets: BatchGroup<BucketHeader>[] } {
  const keys: string[] = [];
  const args = [...clock];
  const buckets: BatchGroup<BucketHeader>[] = [];

  function add(header: BucketHeader, entries: BatchEntry[], counted: boolean): void {
    if (entries.length === 0) return;
    args.push(
      FLAG_ARGS[header.flags + (counted ? FLAGS.counts : header.inUse ? FLAGS.inUse : 0)] as string,
      String(entries.length),
    );
    for (const arg of header.args) args.push(arg);
    for (const entry of entries) {
      keys.push((batch[entry.index] as NamedRequest).keys[0] as string);
      if (counted) args.push(String(entry.times));
    }
    buckets.push({ header, entries, counted });
  }

  for (const { header, entries, counted } of groupTakes(batch, bucketHeaderOf)) {
    if (!counted) add(header, entries, false);
    else {
      // The keys of a group differ, so its entries may change places.
      add(header, entries.filter((entry) => !isCounted(entry)), false);
      add(header, entries.filter(isCounted), true);
    }
  }
  return { keys, args, buckets };
}
