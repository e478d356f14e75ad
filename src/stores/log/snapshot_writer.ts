/**
 * Writes the state of a replica as it is at one message, while further messages are applied.
 *
 * @module
 */

import { shortKey } from "../../base/short_key.ts";
import { inNextTurn } from "../../base/turn.ts";
import type { Policy } from "../../policy/policy.ts";
import type { Entry } from "../memory/entry.ts";
import { encodeEntry } from "../memory/entry_codec.ts";
import type { LimiterTable } from "../memory/limiter_table.ts";
import type { RowCopy } from "../memory/row_table.ts";
import type { Target } from "../store.ts";
import { VERSION } from "./message.ts";
import type { Replica } from "./replica.ts";
import {
  BLOCK,
  type EntriesHead,
  type LimiterHead,
  PREFIX_BYTES,
  type RowsHead,
  type SnapshotHead,
} from "./snapshot_form.ts";

/** The longest piece, in bytes. */
const MAX_CHUNK = 256 * 1_024;

/** How many rows and entries are written in a turn of the event loop. */
const ROWS_A_TURN = 1_024;
const ENTRIES_A_TURN = 64;

const encoder = new TextEncoder();

interface CopiedLimiter {
  readonly place: number;
  readonly table: LimiterTable;
  readonly rows: readonly RowCopy[];
  /** Keys of rows that are more than numbers, as bytes: few. */
  readonly odd: readonly (readonly [string | undefined, Uint8Array])[];
  /** Entries, as they are met. */
  readonly entries: Iterator<[string | undefined, Entry]>;
  /** Keys of entries that were written, or that did not exist yet. */
  readonly done: Set<string | undefined>;
  /** Entries that were about to change, as bytes. */
  readonly saved: [string | undefined, Uint8Array][];
}

/** Writes one snapshot. What it is of is fixed when it is made. */
export class SnapshotWriter {
  readonly #replica: Replica;
  readonly #head: SnapshotHead;
  readonly #rules: Policy[] = [];
  readonly #limiters = new Map<string, CopiedLimiter>();

  /**
   * @param replica The state as it is now.
   * @param id Of which life of the shard it is.
   */
  constructor(replica: Replica, id: string) {
    this.#replica = replica;
    const limiters: LimiterHead[] = [];
    for (const [limiter, table] of replica.table.tables()) {
      const rows = table.copyRows();
      const odd = rows.flatMap(({ odd }) => odd.map((key) => [key, this.#encoded(table.kept(key) as Entry)] as const));
      const copied = { place: limiters.length, table, rows, odd, entries: table.entries(), done: new Set(), saved: [] };
      this.#limiters.set(limiter, copied as CopiedLimiter);
      const { reigns, endsUs, othersUntilUs } = table.reignsOf(replica.book.policies());
      limiters.push({
        limiter,
        rules: this.#placeOf(table.policy),
        reigns: reigns.map(([policy, end]) => [this.#placeOf(policy), end] as const),
        endsUs,
        othersUntilUs: Math.max(othersUntilUs, -1),
      });
    }
    // Rules of sections and rows are among those of the book, too.
    for (const policy of replica.book.policies()) this.#placeOf(policy);
    const { nowUs, markUs, digest, sessions, book } = replica;
    const rules = this.#rules.map((policy) => book.textOf(policy));
    this.#head = {
      version: VERSION,
      id,
      nowUs,
      markUs,
      digest: digest.state,
      sessions: sessions.tuples,
      rules,
      limiters,
    };
    replica.touching = (target) => this.#save(target);
  }

  /** All of it, in pieces. */
  async *chunks(): AsyncGenerator<Uint8Array, void, void> {
    try {
      let room = new Uint8Array(MAX_CHUNK);
      let used = 0;
      for (const block of this.#blocks()) {
        for (let at = 0; at < block.length;) {
          const part = block.subarray(at, at + MAX_CHUNK - used);
          room.set(part, used);
          at += part.length;
          used += part.length;
          if (used < MAX_CHUNK) continue;
          yield room;
          room = new Uint8Array(MAX_CHUNK);
          used = 0;
        }
        await new Promise<void>((done) => inNextTurn(done));
      }
      yield room.subarray(0, used);
    } finally {
      this.#replica.touching = undefined;
    }
  }

  *#blocks(): Generator<Uint8Array, void, void> {
    yield blockOf(BLOCK.head, this.#head, []);
    for (const limiter of this.#limiters.values()) {
      for (const rows of limiter.rows) yield* this.#rows(limiter.place, rows);
      if (limiter.odd.length > 0) yield this.#block(limiter.place, limiter.odd, true);
      yield* this.#entries(limiter);
    }
    yield blockOf(BLOCK.end, {}, []);
  }

  *#rows(place: number, { policy, keys, rows, width }: RowCopy): Generator<Uint8Array, void, void> {
    const rules = this.#placeOf(policy);
    for (let from = 1; from < keys.length; from += ROWS_A_TURN) {
      const part: (string | null)[] = [];
      const numbers = new Float64Array(Math.min(ROWS_A_TURN, keys.length - from) * width);
      for (let at = from; at < Math.min(from + ROWS_A_TURN, keys.length); at++) {
        const key = keys[at] as string | null | undefined;
        if (key === null) continue;
        numbers.set(rows.subarray(at * width, (at + 1) * width), part.length * width);
        part.push(key ?? null);
      }
      const head: RowsHead = [place, rules, part];
      yield blockOf(BLOCK.rows, head, [new Uint8Array(numbers.buffer, 0, part.length * width * 8)]);
    }
  }

  *#entries({ place, entries, done, saved }: CopiedLimiter): Generator<Uint8Array, void, void> {
    for (let isOver = false; !isOver;) {
      const part = saved.splice(0);
      while (part.length < ENTRIES_A_TURN) {
        const next = entries.next();
        isOver = next.done === true;
        if (next.done) break;
        const [key, entry] = next.value;
        if (done.has(key)) continue;
        done.add(key);
        part.push([key, this.#encoded(entry)]);
      }
      yield this.#block(place, part, false);
    }
  }

  #block(place: number, entries: readonly (readonly [string | undefined, Uint8Array])[], areRows: boolean): Uint8Array {
    const keys = entries.map(([key]) => key ?? null);
    const head: EntriesHead = [place, keys, entries.map(([, bytes]) => bytes.length), areRows];
    return blockOf(BLOCK.entries, head, entries.map(([, bytes]) => bytes));
  }

  /** A key is about to change: its entry is written as it was. */
  #save({ limiter, key, isHash }: Target): void {
    const copied = this.#limiters.get(limiter);
    const kept = isHash ? key : shortKey(key);
    if (copied === undefined || copied.done.has(kept)) return;
    copied.done.add(kept);
    const entry = copied.table.entryOf(kept);
    if (entry !== undefined) copied.saved.push([kept, this.#encoded(entry)]);
  }

  #encoded(entry: Entry): Uint8Array {
    return encodeEntry(entry, (policy) => this.#placeOf(policy));
  }

  #placeOf(policy: Policy): number {
    const place = this.#rules.indexOf(policy);
    return place >= 0 ? place : this.#rules.push(policy) - 1;
  }
}

function blockOf(kind: number, head: unknown, parts: readonly Uint8Array[]): Uint8Array {
  const text = encoder.encode(JSON.stringify(head));
  const length = PREFIX_BYTES + text.length + parts.reduce((sum, part) => sum + part.length, 0);
  const block = new Uint8Array(length);
  const view = new DataView(block.buffer);
  view.setUint32(0, length);
  view.setUint32(4, text.length);
  view.setUint8(8, kind);
  block.set(text, PREFIX_BYTES);
  let at = PREFIX_BYTES + text.length;
  for (const part of parts) {
    block.set(part, at);
    at += part.length;
  }
  return block;
}
