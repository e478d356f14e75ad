/**
 * A batcher over a place that answers when a test says so. Whatever happens, the rules for what is sent are checked.
 *
 * @module
 */

import assert from "node:assert/strict";

import { ClosedError, StoreError } from "../../../src/base/errors.ts";
import type { BatchItem } from "../../../src/stores/batch.ts";
import { Batcher } from "../../../src/stores/batcher.ts";

/** The most calls that a batcher has in flight, for a place that answers at once. */
export const NEAR_CALLS = 3;

/** The same, for one that is far away. */
export const FAR_CALLS = 32;

/** The request. */
export interface Item extends BatchItem<string> {
  /** Its place among all that were asked. */
  readonly id: number;
  /** Only one kind goes into one call. */
  readonly kind: number;
  /** Whom it concerns. */
  readonly keys: readonly string[];
  /** Whether the other side refuses it, alone. */
  readonly isBad: boolean;
}

/** What is known of an item. */
export interface Asked {
  /** The item. */
  readonly item: Item;
  /** Gives it up. */
  readonly abort: AbortController;
  /** Where it is; `gone` is one that was given up while it was queued. */
  state: "queued" | "sent" | "gone" | "refused";
  /** The call that took it along, and its place there; undefined until it is sent. */
  place: readonly [call: number, index: number] | undefined;
  /** What the caller must be told, once that is decided. */
  expected: unknown;
  /** What the caller was told, as often as that happened. */
  readonly told: unknown[];
}

/** A call that was sent. */
export interface Call {
  /** What it carries. */
  readonly items: readonly Item[];
  /** Answers every item, the bad ones with an error. */
  answer(): void;
  /** Fails as a whole. */
  fail(): void;
}

/** How the batcher of a lab is made. */
export interface BatcherLabOptions {
  /** The most items of a call. */
  readonly maxBatch: number;
  /** The most that wait. */
  readonly maxQueued?: number;
  /** In how many parts the callers of a lone call go on. */
  readonly parts?: number;
}

/** Stands for a refusal for want of room, whose text does not matter. */
export const OVERLOADED = "STORE_OVERLOADED";

/** One batcher, and everything that was asked of it. */
export class BatcherLab {
  /** What is tested. */
  readonly batcher: Batcher<Item, string>;
  /** Everything that was asked, in order. */
  readonly asked: Asked[] = [];
  /** Every call that was sent, in order. */
  readonly calls: Call[] = [];
  /** Those of them that have not been answered. */
  readonly open: Set<Call> = new Set();
  /** What the batcher takes for the time. */
  nowUs: number = 0;
  /** The most of those at any time. */
  mostOpen: number = 0;
  readonly #options: Required<Omit<BatcherLabOptions, "parts">>;
  readonly #afterSending: (() => void)[] = [];
  readonly #waiting = new Map<Asked, () => void>();
  #closed: ClosedError | undefined;

  constructor({ maxBatch, maxQueued = 1_000_000, parts }: BatcherLabOptions) {
    this.#options = { maxBatch, maxQueued };
    this.batcher = new Batcher<Item, string>({
      send: (items) => this.#send(items),
      kindOf: (item) => item.kind,
      keysOf: (item) => item.keys,
      joins,
      errorOf: (cause) => new Error("its own", { cause }),
      afterSending: (callback) => void this.#afterSending.push(callback),
      nowUs: () => this.nowUs,
      maxBatch,
      maxQueued,
      parts,
    });
  }

  /** How many wait, as this lab counts. */
  get queued(): number {
    return this.asked.filter(({ state }) => state === "queued").length;
  }

  /** Asks one thing; with a signal of the test instead of one of its own, if need be. */
  ask(what: Partial<Item> = {}, signal?: AbortSignal): Asked {
    const item: Item = { kind: 0, keys: [], isBad: false, ...what, id: this.asked.length };
    const isFull = this.queued >= this.#options.maxQueued;
    const refusal = this.#closed ?? (isFull ? OVERLOADED : undefined);
    const state = refusal === undefined ? "queued" : "refused";
    const abort = new AbortController();
    const asked: Asked = { item, abort, state, place: undefined, expected: refusal, told: [] };
    this.asked.push(asked);
    this.batcher.ask(item, signal ?? abort.signal).then((reply) => {
      asked.told.push(reply);
      this.#waiting.get(asked)?.();
    }, (error) => {
      asked.told.push(error instanceof StoreError ? error.code : error);
    });
    return asked;
  }

  /** Asks one thing, and resolves when it is answered. */
  asking(): Promise<void> {
    const asked = this.ask();
    return new Promise((resolve) => this.#waiting.set(asked, resolve));
  }

  /** Gives one up, at whatever stage it is. */
  abort(asked: Asked): void {
    const reason = { gaveUp: asked.item.id };
    if (asked.state === "queued") Object.assign(asked, { state: "gone", expected: reason });
    asked.abort.abort(reason);
  }

  /** Closes the batcher. */
  close(): void {
    this.#closed ??= new ClosedError("the lab");
    for (const asked of this.asked) {
      if (asked.state === "queued") Object.assign(asked, { state: "refused", expected: this.#closed });
    }
    this.batcher.close(this.#closed);
  }

  /** Lets the batcher learn that every call is on its way for long. */
  async beFar(): Promise<void> {
    this.ask();
    await this.settle();
    this.nowUs += 1_000_000;
    for (const call of this.open) call.answer();
    await this.settle();
    assert.equal(this.open.size, 0);
  }

  /** Asks one thing, which is answered at once. */
  async answered(): Promise<void> {
    this.ask();
    await this.settle();
    for (const call of this.open) call.answer();
    await this.settle();
  }

  /** What was sent has left; then everything happens that can before more is sent. */
  async turn(): Promise<void> {
    this.#afterSending.shift()?.();
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }

  /** Lets everything happen that can without an answer. */
  async settle(): Promise<void> {
    do await this.turn(); while (this.#afterSending.length > 0);
  }

  /** Answers until nothing is open. Whatever was asked has had its answer then. */
  async finish(): Promise<void> {
    for (await this.settle(); this.open.size > 0; await this.settle()) {
      for (const call of this.open) call.answer();
    }
    assert.equal(this.queued, 0, "nothing is in flight, so nothing may wait");
    for (const { item, told, expected } of this.asked) {
      assert.equal(told.length, 1, `${item.id} was told ${told.length} times`);
      const [answer] = told;
      if (expected instanceof Failed) assert.equal((answer as Error).cause, expected.cause, `${item.id}`);
      else assert.equal(answer, expected, `${item.id}`);
    }
    const errors = this.asked.filter(({ expected }) => expected instanceof Failed).map(({ told }) => told[0]);
    assert.equal(new Set(errors).size, errors.length, "each caller has its own error");
    this.#assertOrder();
  }

  #send(items: readonly Item[]): Promise<(string | Error)[]> {
    assert.ok(items.length > 0, "an empty call");
    const joining = items.filter((item, i) => i > 0 && joins(item, items[i - 1] as Item)).length;
    assert.ok(items.length - joining <= this.#options.maxBatch, `${items.length} in one call`);
    assert.ok(items.length <= 8 * this.#options.maxBatch, `${items.length} in one call`);
    assert.equal(new Set(items.map(({ kind }) => kind)).size, 1, "two kinds in one call");
    return new Promise((resolve, reject) => {
      const taken = items.map(({ id }, index) => {
        const asked = this.asked[id] as Asked;
        assert.equal(asked.state, "queued", `${id} was sent`);
        asked.state = "sent";
        asked.place = [this.calls.length, index];
        return asked;
      });
      const call: Call = {
        items,
        answer: () => {
          this.open.delete(call);
          for (const asked of taken) {
            const { id, isBad } = asked.item;
            asked.expected = isBad ? new Error(`no ${id}`) : `yes ${id}`;
          }
          resolve(taken.map(({ expected }) => expected as string | Error));
        },
        fail: () => {
          this.open.delete(call);
          const cause = new Error("the call failed");
          for (const asked of taken) asked.expected = new Failed(cause);
          reject(cause);
        },
      };
      this.calls.push(call);
      this.open.add(call);
      this.mostOpen = Math.max(this.mostOpen, this.open.size);
    });
  }

  /** Those that have a key in common were sent as they were asked. */
  #assertOrder(): void {
    const newest = new Map<string, Asked>();
    for (const asked of this.asked) {
      if (asked.place === undefined) continue;
      for (const key of asked.item.keys) {
        const before = newest.get(key);
        if (before !== undefined) assert.ok(isBefore(before, asked), `${before.item.id} before ${asked.item.id}`);
        newest.set(key, asked);
      }
    }
  }
}

/** The expectation of an error of one's own with a common cause. */
class Failed {
  readonly cause: Error;

  constructor(cause: Error) {
    this.cause = cause;
  }
}

function isBefore({ place: first }: Asked, { place: second }: Asked): boolean {
  const [[call, index], [otherCall, otherIndex]] = [first, second] as [[number, number], [number, number]];
  return call < otherCall || call === otherCall && index < otherIndex;
}

/** Items of one kind about `a` and nothing else take the room of one. */
function joins({ kind, keys }: Item, before: Item): boolean {
  return kind === before.kind && keys.length === 1 && keys[0] === "a" && before.keys.length === 1 &&
    before.keys[0] === "a";
}
