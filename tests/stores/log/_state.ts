import assert from "node:assert/strict";

import { kernelOf, type RateState } from "../../../src/algorithms/kernels.ts";
import { type LogStore, replicasOf } from "../../../src/stores/log/log_store.ts";
import type { Replica } from "../../../src/stores/log/replica.ts";
import { encodeEntry } from "../../../src/stores/memory/entry_codec.ts";
import type { Target } from "../../../src/stores/store.ts";

/** All that decides in a process: what stands for each key, the time, who is there, and the digest. Equal ones decide alike. */
export function stateOf(store: LogStore): object[] {
  return replicasOf(store).map((replica) => replica === undefined ? { unknown: true } : stateOfReplica(replica));
}

function stateOfReplica(replica: Replica): object {
  const { table, nowUs, markUs, digest, sessions, book, sequence } = replica;
  // What cannot be told from fresh may be forgotten or not.
  table.forgetFresh(nowUs);
  const keys: string[] = [];
  for (const [limiter, keysOf] of table.tables()) {
    for (const key of keysOf.keys()) {
      const entry = keysOf.kept(key);
      if (entry === undefined) throw new Error(`${key} is kept and is not`);
      const bytes = encodeEntry(entry, (policy) => numberOf(book.textOf(policy)));
      keys.push(JSON.stringify([limiter, key, Array.from(bytes).join(" ")]));
    }
  }
  return { sequence, nowUs, markUs, digest: digest.text, sessions: sessions.tuples.toSorted(), keys: keys.sort() };
}

/** A number that stands for a text in every process. */
function numberOf(text: string): number {
  let hash = 7;
  for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) % 0x1_0000_0000;
  return hash;
}

/** Whether a process holds such states for a target: what cannot be told from fresh may be forgotten or not. */
export function assertHolds(store: LogStore, target: Target, states: readonly RateState[]): void {
  const [replica] = replicasOf(store);
  const found = replica?.table.stored(target, replica.nowUs).states ?? [];
  const isFresh = [found, states].some((each) =>
    target.policy.rates.every((rate, i) =>
      kernelOf(rate).freshFromUs(each[i] as RateState, rate) <= (replica?.nowUs ?? 0)
    )
  );
  if (!isFresh) assert.deepEqual(found, states);
}
