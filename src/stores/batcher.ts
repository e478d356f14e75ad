/**
 * Combines single requests into few calls: those of one turn of the event loop, and those that queue up
 * behind calls in flight. A lone request goes out at once.
 *
 * @module
 */

import { onAbort } from "../base/abort.ts";
import { inMicrotask } from "../base/turn.ts";
import { type BatcherOptions, type BatchItem, overloaded } from "./batch.ts";
import type { ReplySink, StoreLoad } from "./store.ts";

/**
 * Three calls in flight keep the server busy: one is executed, one is queued there, one is in transit. More would be
 * queued there and answered together: this process would have nothing to do before that, and the server after it.
 */
const MIN_CALLS = 3;

/** One more for each so many microseconds that a call is on its way: about as long as a full one is worked on. */
const US_A_CALL = 1_000;

/** How long the fastest call is remembered, at least, in microseconds. */
const REMEMBERED_US = 10_000_000;

/** The most calls in flight. */
const MAX_CALLS = 32;

/** How many times larger a call may be for items that join others. */
const MOST_JOINED = 8;

/** In how many parts the callers of a call go on, where nothing else is under way, and how many these are at least. */
const PARTS = 3;
const LEAST_PART = 16;

/** The way of many items to one place. */
export class Batcher<Item extends BatchItem<Reply>, Reply> {
  readonly #options: BatcherOptions<Item, Reply>;
  /** How many items may wait; none any more once it is closed. */
  #maxQueued: number;
  #queue: (Item | undefined)[] = [];
  /** How many at the front of the queue have been sent, and how many of the others still want to be. */
  #sent = 0;
  #queued = 0;
  #calls = 0;
  /** How long the fastest call was on its way, of this span of time and of the one before, and when this one began. */
  #latelyUs = Infinity;
  #beforeUs = Infinity;
  #sinceUs = -Infinity;
  /** Something goes on at the end of this turn of the event loop. */
  #isScheduled = false;
  /** Something was done in this turn of the event loop, and more is done in the next. */
  #isLater = false;
  /**
   * The first item of a turn waits for its end. Requests of a server come so: each in a callback of its own, behind which
   * microtasks run, so that at the end of the first callback the others of the turn are not there yet.
   */
  #gathers = false;
  /** Calls that were answered, and whose callers do not know it yet. */
  readonly #answers: (() => void)[] = [];
  #closed: Error | undefined;

  /**
   * @param options How it works.
   */
  constructor(options: BatcherOptions<Item, Reply>) {
    this.#options = options;
    this.#maxQueued = options.maxQueued;
  }

  /** What is on its way. */
  get load(): StoreLoad {
    return { queued: this.#queued, calls: this.#calls };
  }

  /**
   * Asks one thing.
   *
   * @param item The request.
   * @param signal Gives up while it is queued: it is not sent then, and rejects with the signal's reason.
   * @throws {StoreError} `STORE_OVERLOADED` if too many wait already.
   */
  ask(item: Item, signal?: AbortSignal): Promise<Reply> {
    return new Promise((answered, failed) => {
      if (signal?.aborted) return failed(signal.reason);
      if (!this.submit(item, { answered, failed }) || signal === undefined) return;
      item.leave = onAbort(signal, () => {
        item.isGone = true;
        this.#queued--;
        failed(signal.reason);
      });
    });
  }

  /**
   * As `ask`, at the end of this turn, so that others of the turn come along; the outcome goes to a sink.
   *
   * @returns Whether the item is queued: if too many are, the sink gets an error.
   */
  submit(item: Item, sink: ReplySink<Reply>): boolean {
    if (this.#queued >= this.#maxQueued) {
      inMicrotask(() => sink.failed(this.#closed ?? overloaded(this.#maxQueued)));
      return false;
    }
    item.sink = sink;
    this.#queue.push(item);
    this.#queued++;
    if (this.#isScheduled) return true;
    this.#isScheduled = true;
    if (this.#gathers && !this.#isLater) this.#later(this.#goOn);
    else inMicrotask(this.#goOn);
    return true;
  }

  /** Sends what is queued, where more calls may be in flight than before. */
  resume(): void {
    this.#goOn();
  }

  /** Sends nothing more: queued and later requests reject with `error`. */
  close(error: Error): void {
    this.#closed = error;
    const queued = this.#queue.slice(this.#sent);
    this.#queue = [];
    this.#sent = this.#queued = this.#maxQueued = 0;
    for (const item of queued) {
      item?.leave?.();
      if (!item?.isGone) item?.sink?.failed(error);
    }
  }

  /**
   * Sends a batch, then lets the callers of an answered one go on, then sends what those ask: so that the server has
   * work while they have. One batch and one answer a turn: the server answers together what it receives together. A field,
   * for microtasks.
   */
  readonly #goOn = (): void => {
    this.#isScheduled = false;
    if (this.#isLater) return;
    if (this.#maySend()) {
      const batch = this.#next();
      const isAlone = batch.length === 1;
      if (isAlone) this.#gathers = false;
      this.#sendByKind(batch);
      this.#later(() => {
        if (isAlone && this.#queued > 0) this.#gathers = true;
        const answer = this.#answers.shift();
        if (answer === undefined) return this.#goOn();
        answer();
        if (this.#answers.length > 0 || this.#maySend()) this.#later(this.#goOn);
      });
    } else {
      this.#answers.shift()?.();
      if (this.#answers.length > 0) this.#later(this.#goOn);
    }
  };

  #later(goOn: () => void): void {
    this.#isLater = true;
    this.#options.afterSending(() => {
      this.#isLater = false;
      goOn();
    });
  }

  /** The farther away the other side is, the more calls keep it busy. */
  #maySend(): boolean {
    if (this.#queued === 0) return false;
    const { minCalls = MIN_CALLS, maxCalls = MAX_CALLS } = this.#options;
    const fastestUs = Math.min(this.#latelyUs, this.#beforeUs);
    const moreCalls = fastestUs === Infinity ? 0 : Math.round(fastestUs / US_A_CALL);
    return this.#calls < Math.min(minCalls + moreCalls, maxCalls);
  }

  /** Takes the next few entries from the queue. */
  #next(): Item[] {
    const { maxBatch, joins } = this.#options;
    const batch: Item[] = [];
    let before: Item | undefined;
    for (let room = maxBatch; this.#sent < this.#queue.length && batch.length < MOST_JOINED * maxBatch; this.#sent++) {
      const item = this.#queue[this.#sent] as Item;
      if (!item.isGone) {
        if ((before === undefined || !joins(item, before)) && room-- === 0) break;
        before = item;
        this.#queued--;
        batch.push(item);
      }
      this.#queue[this.#sent] = undefined; // the array may be old: what it holds would grow old with it
      item.leave?.();
    }
    if (this.#sent === this.#queue.length || this.#sent > 4 * this.#options.maxBatch) {
      this.#queue = this.#queue.slice(this.#sent);
      this.#sent = 0;
    }
    return batch;
  }

  /** One call for each kind; more where two kinds ask for one key, whose order must hold. */
  #sendByKind(batch: readonly Item[]): void {
    const { kindOf, keysOf } = this.#options;
    const firstKind = kindOf(batch[0] as Item);
    if (batch.every((item) => kindOf(item) === firstKind)) return this.#send(batch);
    const kinds = new Map<unknown, Item[]>();
    const kindByKey = new Map<string, unknown>();
    const sendAll = () => {
      for (const items of kinds.values()) this.#send(items);
      kinds.clear();
      kindByKey.clear();
    };
    for (const item of batch) {
      const kind = kindOf(item);
      const keys = keysOf(item);
      if (keys.some((key) => kindByKey.has(key) && kindByKey.get(key) !== kind)) sendAll();
      for (const key of keys) kindByKey.set(key, kind);
      const items = kinds.get(kind);
      if (items === undefined) kinds.set(kind, [item]);
      else items.push(item);
    }
    sendAll();
  }

  #send(batch: readonly Item[]): void {
    this.#calls++;
    const options = this.#options;
    const { watchers = [] } = options;
    const sentUs = options.nowUs();
    options.send(batch, sentUs).then((replies) => {
      const answeredUs = options.nowUs();
      if (answeredUs - this.#sinceUs > REMEMBERED_US) {
        this.#beforeUs = this.#latelyUs;
        this.#latelyUs = Infinity;
        this.#sinceUs = answeredUs;
      }
      this.#latelyUs = Math.min(this.#latelyUs, answeredUs - sentUs);
      for (const report of watchers) report(batch.length, answeredUs - sentUs, false);
      this.#calls--;
      // Where nothing else is under way, what the first callers ask is on its way while the others go on. Together, they would
      // all wait for the server, and then the server for all of them.
      const isAlone = this.#calls === 0 && this.#queued === 0 && this.#answers.length === 0;
      const size = isAlone ? Math.max(LEAST_PART, Math.ceil(batch.length / (options.parts ?? PARTS))) : batch.length;
      for (let from = 0; from < batch.length; from += size) {
        const to = Math.min(from + size, batch.length);
        this.#answers.push(() => {
          for (let i = from; i < to; i++) {
            const { sink } = batch[i] as Item;
            const reply = replies[i] as Reply | Error;
            if (reply instanceof Error) sink?.failed(reply);
            else sink?.answered(reply);
          }
        });
      }
    }, (cause) => {
      for (const report of watchers) report(batch.length, options.nowUs() - sentUs, true);
      this.#calls--;
      this.#answers.push(() => {
        for (const { sink } of batch) sink?.failed(options.errorOf(cause));
      });
    }).then(this.#goOn);
  }
}
