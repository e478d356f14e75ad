/**
 * Batches over a connection whose calls may arrive in any order, such as REST: one batcher for each script, with one call
 * in flight each. Requests for the same key are sent one after the other, so they take effect in the order in which they
 * were asked, until a call is slow: then nothing waits for it any longer.
 *
 * @module
 */

import { systemClock } from "../../base/clock.ts";
import { startTimer } from "../../base/deadline.ts";
import type { BatcherOptions, BatchItem } from "../batch.ts";
import { Batcher } from "../batcher.ts";
import type { ReplySink, StoreLoad } from "../store.ts";

/** A call is slow that takes longer than so much, in milliseconds, and twice the usual time. */
const SLOW_MS = 50;
/** What counts as usual before the first answer, in milliseconds. */
const FIRST_MS = 200;
/** How much of the usual time the newest answer says. */
const WEIGHT = 1 / 8;
/** The most slow calls of one script that others pass. */
const MOST_SLOW = 16;

/** The calls of one script. */
interface ScriptBatcher<Item extends BatchItem<Reply>, Reply> {
  readonly batcher: Batcher<Item, Reply>;
  /** How many calls in flight are slow. */
  slow: number;
}

/** What was asked last for a key. */
interface Tail {
  readonly kind: unknown;
  /** Whether its batcher has it, which keeps the order of its items. */
  hasEntered: boolean;
  readonly entered: Promise<void>;
  /** Resolves once it has been answered, or has failed, or nothing waits for it any longer. */
  readonly done: Promise<void>;
}

/** Asks one by one, and sends together what one script runs. */
export class OrderedBatcher<Item extends BatchItem<Reply>, Reply> {
  readonly #options: BatcherOptions<Item, Reply>;
  readonly #scripts = new Map<unknown, ScriptBatcher<Item, Reply>>();
  readonly #tails = new Map<string, Tail>();
  /** Lets those behind an item go on. */
  readonly #free = new WeakMap<Item, () => void>();
  #held = 0;
  #usualMs = FIRST_MS;
  #closed: Error | undefined;

  /**
   * @param options How a batcher works.
   */
  constructor(options: BatcherOptions<Item, Reply>) {
    this.#options = options;
  }

  /** What is on its way. */
  get load(): StoreLoad {
    let [queued, calls] = [this.#held, 0];
    for (const { batcher: { load } } of this.#scripts.values()) {
      [queued, calls] = [queued + load.queued, calls + load.calls];
    }
    return { queued, calls };
  }

  /**
   * Asks one thing.
   *
   * @param item The request.
   * @param signal Gives up while it is queued: it is not sent then, and rejects with the signal's reason.
   */
  async ask(item: Item, signal?: AbortSignal): Promise<Reply> {
    const kind = this.#options.kindOf(item);
    const keys = new Set(this.#options.keysOf(item));
    const before = this.#waitsFor(kind, keys);
    const entered = deferred();
    const done = deferred();
    const tail: Tail = { kind, hasEntered: false, entered: entered.promise, done: done.promise };
    const enter = () => {
      tail.hasEntered = true;
      entered.resolve();
    };
    for (const key of keys) this.#tails.set(key, tail);
    this.#free.set(item, done.resolve);
    try {
      if (before.length > 0) await this.#hold(Promise.all(before), signal);
      if (this.#closed !== undefined) throw this.#closed;
      const reply = this.#script(kind).batcher.ask(item, signal);
      enter();
      return await reply;
    } finally {
      enter();
      done.resolve();
      for (const key of keys) if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }

  /** As `ask`; the outcome goes to a sink. */
  submit(item: Item, sink: ReplySink<Reply>): void {
    this.ask(item).then((reply) => sink.answered(reply), (error) => sink.failed(error));
  }

  /** Sends nothing more. */
  close(error: Error): void {
    this.#closed = error;
    for (const { batcher } of this.#scripts.values()) batcher.close(error);
  }

  /** What has to be over, or at its place, before an item may go to its batcher. */
  #waitsFor(kind: unknown, keys: ReadonlySet<string>): Promise<void>[] {
    const before = new Set<Promise<void>>();
    for (const key of keys) {
      const tail = this.#tails.get(key);
      if (tail === undefined || (tail.kind === kind && tail.hasEntered)) continue;
      before.add(tail.kind === kind ? tail.entered : tail.done);
    }
    return [...before];
  }

  async #hold(ready: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
    this.#held++;
    try {
      if (signal === undefined) return void await ready;
      signal.throwIfAborted();
      await new Promise((resolve, reject) => {
        const abort = () => reject(signal.reason);
        signal.addEventListener("abort", abort, { once: true });
        ready.then(resolve).finally(() => signal.removeEventListener("abort", abort));
      });
    } finally {
      this.#held--;
    }
  }

  #script(kind: unknown): ScriptBatcher<Item, Reply> {
    const known = this.#scripts.get(kind);
    if (known !== undefined) return known;
    const options: BatcherOptions<Item, Reply> = {
      ...this.#options,
      send: (batch, nowUs) => this.#send(script, batch, nowUs),
      get maxCalls() {
        return 1 + Math.min(script.slow, MOST_SLOW);
      },
    };
    const script: ScriptBatcher<Item, Reply> = { batcher: new Batcher(options), slow: 0 };
    this.#scripts.set(kind, script);
    return script;
  }

  async #send(
    script: ScriptBatcher<Item, Reply>,
    batch: readonly Item[],
    sentUs: number,
  ): Promise<readonly (Reply | Error)[]> {
    let isSlow = false;
    const timer = startTimer(SLOW_MS + 2 * this.#usualMs, () => {
      isSlow = true;
      script.slow++;
      for (const item of batch) this.#free.get(item)?.();
      script.batcher.resume();
    });
    try {
      const replies = await this.#options.send(batch, sentUs);
      this.#usualMs += ((systemClock.nowUs() - sentUs) / 1_000 - this.#usualMs) * WEIGHT;
      return replies;
    } finally {
      timer.cancel();
      if (isSlow) script.slow--;
    }
  }
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => resolve = settle);
  return { promise, resolve };
}
