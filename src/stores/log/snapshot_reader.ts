/**
 * Reads a snapshot into an empty replica.
 *
 * @module
 */

import { joinBytes } from "../../base/join_bytes.ts";
import type { Policy } from "../../policy/policy.ts";
import { decodeEntry } from "../memory/entry_codec.ts";
import type { LimiterTable } from "../memory/limiter_table.ts";
import { Digest } from "./digest.ts";
import { VERSION } from "./message.ts";
import type { Replica } from "./replica.ts";
import { BLOCK, type EntriesHead, PREFIX_BYTES, type RowsHead, type SnapshotHead } from "./snapshot_form.ts";

const decoder = new TextDecoder();

/**
 * Fills a replica.
 *
 * @param replica An empty one, as of the message of the snapshot.
 * @param chunks The snapshot.
 * @param id Of which life of the shard it has to be.
 * @returns Whether it was whole, and one of this version and of this life. If not, the replica cannot be used.
 */
export async function readSnapshot(replica: Replica, chunks: AsyncIterable<Uint8Array>, id: string): Promise<boolean> {
  const reader = new SnapshotReader(replica, id);
  let left: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    left = left.length === 0 ? chunk : joinBytes([left, chunk]);
    while (left.length >= PREFIX_BYTES) {
      const length = new DataView(left.buffer, left.byteOffset).getUint32(0);
      if (left.length < length) break;
      if (!reader.take(left.subarray(0, length))) return false;
      left = left.subarray(length);
    }
  }
  return reader.isWhole && left.length === 0;
}

class SnapshotReader {
  isWhole = false;
  readonly #replica: Replica;
  readonly #id: string;
  #policies: readonly Policy[] = [];
  #tables: readonly LimiterTable[] = [];

  constructor(replica: Replica, id: string) {
    this.#replica = replica;
    this.#id = id;
  }

  /** Takes the next block. Returns whether it can be used. */
  take(block: Uint8Array): boolean {
    const view = new DataView(block.buffer, block.byteOffset);
    const end = PREFIX_BYTES + view.getUint32(4);
    const head = JSON.parse(decoder.decode(block.subarray(PREFIX_BYTES, end))) as unknown;
    const body = block.subarray(end);
    const kind = view.getUint8(8);
    if (kind === BLOCK.head) return this.#begin(head as SnapshotHead);
    if (kind === BLOCK.rows) this.#rows(head as RowsHead, body);
    else if (kind === BLOCK.entries) this.#entries(head as EntriesHead, body);
    else this.isWhole = kind === BLOCK.end;
    return true;
  }

  #begin(head: SnapshotHead): boolean {
    if (head.version !== VERSION || head.id !== this.#id) return false;
    const replica = this.#replica;
    replica.restore(head.nowUs, head.markUs, new Digest(head.digest));
    this.#policies = head.rules.map((text) => replica.book.policyOf(text));
    this.#tables = head.limiters.map(({ limiter, rules, reigns, endsUs, othersUntilUs }) => {
      const table = replica.table.keysOf(limiter, this.#policies[rules] as Policy, head.nowUs);
      table.loadReigns({
        reigns: reigns.map(([policy, end]) => [this.#policies[policy] as Policy, end] as const),
        endsUs,
        othersUntilUs,
      });
      return table;
    });
    replica.sessions.restore(head.sessions);
    return true;
  }

  #rows([limiter, rules, keys]: RowsHead, body: Uint8Array): void {
    // The numbers are read where they are as they were written, from an address that suits them.
    const rows = new Float64Array(body.slice().buffer);
    this.#tables[limiter]?.loadRows(this.#policies[rules] as Policy, keys.map((key) => key ?? undefined), rows);
  }

  #entries([limiter, keys, lengths, areRows]: EntriesHead, body: Uint8Array): void {
    let at = 0;
    keys.forEach((key, i) => {
      const bytes = body.subarray(at, at += lengths[i] as number);
      this.#tables[limiter]?.load(key ?? undefined, decodeEntry(bytes, (ref) => this.#policies[ref]), areRows);
    });
  }
}
