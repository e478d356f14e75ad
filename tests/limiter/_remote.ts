/**
 * A memory store behind a wire: it answers by promise, counts what it is asked, and can be cut off. Several processes
 * can be on one: closing the wire leaves the store open.
 *
 * @module
 */

import { StoreError } from "../../src/base/errors.ts";
import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import type { ReplyTo, Store, StoreRequest, WakeupListener } from "../../src/stores/store.ts";
import { type FakeClock, nextTurn } from "../../src/testing/fake_clock.ts";

/** The way of one process to a store. */
export class Remote implements Store {
  /** What kind of store it is. */
  readonly engine: string = "remote";
  /** What it was asked, in order. */
  readonly requests: StoreRequest[] = [];
  /** Nothing reaches the store while it is set. */
  isDown = false;
  readonly #store: Store;
  readonly #clock: FakeClock;
  readonly #latencyUs: () => number;
  readonly #inFlight = new Set<Promise<unknown>>();
  #arrivesUs = 0;

  /** `latencyUs` is how long a request is on its way, and its reply again; without it, both are there at once. */
  constructor(clock: FakeClock, store: Store = new MemoryStore({ clock }), latencyUs: () => number = () => 0) {
    this.#clock = clock;
    this.#store = store;
    this.#latencyUs = latencyUs;
  }

  /** Does something, and tells how often the store was asked meanwhile. */
  async during(act: () => Promise<unknown>): Promise<number> {
    const before = this.requests.length;
    await act();
    return this.requests.length - before;
  }

  /** As the store does, later. */
  async execute<Request extends StoreRequest>(request: Request): Promise<ReplyTo<Request>> {
    this.requests.push(request);
    if (this.isDown) throw new StoreError("STORE_UNAVAILABLE", "Cannot reach the store: the test has cut it off");
    const latencyUs = this.#latencyUs();
    if (latencyUs === 0) return await this.#track(this.#store.execute(request));
    // What was sent first arrives first.
    this.#arrivesUs = Math.max(this.#arrivesUs, this.#clock.nowUs() + latencyUs);
    await this.#until(this.#arrivesUs);
    const reply = await this.#store.execute(request);
    await this.#until(this.#clock.nowUs() + latencyUs);
    return reply;
  }

  /** As the store does. */
  listen(listener: WakeupListener): Promise<void> {
    return this.#store.listen(listener);
  }

  /** As the store does. */
  resetAll(): Promise<void> {
    return this.#store.resetAll();
  }

  /** Nothing has to be opened. */
  connect(): Promise<void> {
    return Promise.resolve();
  }

  /** Nothing has to be closed. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Waits, in real time, for what the store itself still does. */
  async settle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight);
  }

  async #track<Reply>(reply: Reply | Promise<Reply>): Promise<Reply> {
    if (!(reply instanceof Promise)) return reply;
    this.#inFlight.add(reply);
    try {
      return await reply;
    } finally {
      this.#inFlight.delete(reply);
    }
  }

  #until(atUs: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.schedule(atUs, resolve));
  }
}

/** Lets everything arrive that is on its way to some stores, and what follows from it. */
export async function settle(remotes: readonly Remote[]): Promise<void> {
  await nextTurn();
  for (const remote of remotes) await remote.settle();
  await nextTurn();
}
