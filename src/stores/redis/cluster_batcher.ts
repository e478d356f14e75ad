/**
 * Batches in a cluster: one batcher for each node.
 *
 * @module
 */

import type { BatcherOptions } from "../batch.ts";
import { Batcher } from "../batcher.ts";
import type { ReplySink, StoreLoad } from "../store.ts";
import type { Reply } from "./script_calls.ts";
import type { ClusterView } from "./connections/connection.ts";
import type { NamedRequest } from "./named_request.ts";
import { hashSlot } from "./hash_slot.ts";

/** Asks one by one, and sends together what goes to one node. */
export class ClusterBatcher {
  readonly #cluster: ClusterView;
  readonly #options: BatcherOptions<NamedRequest, Reply>;
  readonly #batchers = new Map<object, Batcher<NamedRequest, Reply>>();
  /** Stands for the node where that is not known. */
  readonly #unknown = {};
  #closed: Error | undefined;

  /**
   * @param cluster Tells which node has a slot.
   * @param options How a batcher works.
   */
  constructor(cluster: ClusterView, options: BatcherOptions<NamedRequest, Reply>) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** What is on its way, to all nodes. */
  get load(): StoreLoad {
    let [queued, calls] = [0, 0];
    for (const { load } of this.#batchers.values()) [queued, calls] = [queued + load.queued, calls + load.calls];
    return { queued, calls };
  }

  /** Asks one thing, whose keys all lie in one slot. */
  ask(item: NamedRequest, signal?: AbortSignal): Promise<Reply> {
    return this.#batcherOf(hashSlot(item.keys[0] ?? "")).ask(item, signal);
  }

  /** As `ask`; the outcome goes to a sink. */
  submit(item: NamedRequest, sink: ReplySink<Reply>): void {
    this.#batcherOf(hashSlot(item.keys[0] ?? "")).submit(item, sink);
  }

  /** Sends nothing more. */
  close(error: Error): void {
    this.#closed = error;
    for (const batcher of this.#batchers.values()) batcher.close(error);
  }

  #batcherOf(slot: number): Batcher<NamedRequest, Reply> {
    const node = this.#cluster.nodeOf(slot) ?? this.#unknown;
    const known = this.#batchers.get(node);
    if (known !== undefined) return known;
    // Nodes are added rarely: then those that are gone are removed.
    for (const [other, { load }] of this.#batchers) {
      if (load.calls === 0 && load.queued === 0) this.#batchers.delete(other);
    }
    const batcher = new Batcher(this.#options);
    if (this.#closed !== undefined) batcher.close(this.#closed);
    this.#batchers.set(node, batcher);
    return batcher;
  }
}
