/**
 * A store that keeps nothing but the bytes of entries: it reads each key from them, and writes it back.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { RateState } from "../../src/algorithms/kernels.ts";
import type { Clock } from "../../src/base/clock.ts";
import { inMicrotask } from "../../src/base/turn.ts";
import type { Policy } from "../../src/policy/policy.ts";
import type { Entry } from "../../src/stores/memory/entry.ts";
import { decodeEntry, encodeEntry } from "../../src/stores/memory/entry_codec.ts";
import { freshEntry, settle } from "../../src/stores/memory/entry_table.ts";
import type { Entries } from "../../src/stores/memory/run_context.ts";
import { runRequest } from "../../src/stores/memory/run_request.ts";
import type { ReplyTo, Store, StoreRequest, Target, WakeupListener } from "../../src/stores/store.ts";

/** Keys of limiters whose rules do not change. */
export class ByteStore implements Store {
  readonly engine = "bytes";
  readonly #clock: Clock;
  readonly #kept = new Map<string, Uint8Array>();
  readonly #policies: Policy[] = [];
  readonly #listeners = new Map<string, WakeupListener>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  execute<Request extends StoreRequest>(request: Request): Promise<ReplyTo<Request>> {
    const read = new Map<string, Entry>();
    const entryOf = (target: Target) => {
      const name = nameOf(target);
      const entry = read.get(name) ?? this.#load(name, target.policy);
      read.set(name, entry);
      return entry;
    };
    const entries: Entries = {
      read: (target, nowUs) => settle(entryOf(target), nowUs),
      write: (target, entry) => void read.set(nameOf(target), entry),
      settle: (target, nowUs) => void read.set(nameOf(target), settle(entryOf(target), nowUs)),
      reset(target) {
        const { ledger } = entryOf(target);
        ledger?.clear();
        read.set(nameOf(target), { ...freshEntry(target.policy), ledger });
      },
    };
    const reply = runRequest(request, {
      entries,
      listeners: this.#listeners,
      nowUs: this.#clock.nowUs(),
      deliver: inMicrotask,
      processesOf: () => 1,
    });
    for (const [name, entry] of read) {
      const bytes = this.#bytesOf(entry);
      assert.deepEqual(this.#bytesOf(this.#entryOf(bytes)), bytes, "what was read is written as other bytes");
      this.#kept.set(name, bytes);
    }
    return Promise.resolve(reply as ReplyTo<Request>);
  }

  listen(listener: WakeupListener): Promise<void> {
    this.#listeners.set(listener.instance, listener);
    return Promise.resolve();
  }

  /** What is kept for a target. */
  statesOf(target: Target): readonly RateState[] {
    return this.#load(nameOf(target), target.policy).states;
  }

  /** How many bytes that is. */
  sizeOf(target: Target): number {
    return this.#kept.get(nameOf(target))?.length ?? 0;
  }

  resetAll(): Promise<void> {
    this.#kept.clear();
    return Promise.resolve();
  }

  connect = (): Promise<void> => Promise.resolve();
  close = (): Promise<void> => Promise.resolve();

  #load(name: string, policy: Policy): Entry {
    const bytes = this.#kept.get(name);
    return bytes === undefined ? freshEntry(policy) : this.#entryOf(bytes);
  }

  #entryOf(bytes: Uint8Array): Entry {
    return decodeEntry(bytes, (ref) => this.#policies[ref]);
  }

  #bytesOf(entry: Entry): Uint8Array {
    return encodeEntry(entry, (policy) => {
      const place = this.#policies.indexOf(policy);
      return place >= 0 ? place : this.#policies.push(policy) - 1;
    });
  }
}

function nameOf({ limiter, key }: Target): string {
  return JSON.stringify([limiter, key]);
}
