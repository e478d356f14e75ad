/**
 * A memory store behind a wire: it answers by promise, counts what it is asked, and can be cut off. Several processes
 * can be on one: closing the wire leaves the store open.
 *
 * @module
 */

import { StoreError } from "../../src/base/errors.ts";
import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import type { NoticeListener, ReplyTo, Store, StoreRequest } from "../../src/stores/store.ts";
import type { FakeClock } from "../../src/testing/fake_clock.ts";

/** The way of one process to a store. */
export class Remote implements Store {
  /** What kind of store it is. */
  readonly engine: string = "remote";
  /** What it was asked, in order. */
  readonly requests: StoreRequest[] = [];
  /** Nothing reaches the store while it is set. */
  isDown = false;
  readonly #store: MemoryStore;
  readonly #clock: FakeClock;
  readonly #latencyUs: () => number;
  #arrivesUs = 0;

  /** `latencyUs` is how long a request is on its way, and its reply again; without it, both are there at once. */
  constructor(clock: FakeClock, store: MemoryStore = new MemoryStore({ clock }), latencyUs: () => number = () => 0) {
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
    if (latencyUs === 0) return await this.#store.execute(request);
    // What was sent first arrives first.
    this.#arrivesUs = Math.max(this.#arrivesUs, this.#clock.nowUs() + latencyUs);
    await this.#until(this.#arrivesUs);
    const reply = await this.#store.execute(request);
    await this.#until(this.#clock.nowUs() + latencyUs);
    return reply;
  }

  /** As the store does. */
  listen(listener: NoticeListener): Promise<void> {
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

  #until(atUs: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.schedule(atUs, resolve));
  }
}
