/**
 * A store at the far end of a connection that delays, loses and breaks.
 *
 * @module
 */

import { StoreError } from "../../src/base/errors.ts";
import type { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import type { DoneReply, ReplyTo, Store, StoreRequest, TakeReply, WakeupListener } from "../../src/stores/store.ts";
import type { FakeClock } from "../../src/testing/fake_clock.ts";
import type { History } from "../../tests/_support/auditor/history.ts";
import type { ProcessClock } from "./process_clock.ts";
import type { Random } from "./random.ts";

/** How a connection behaves. */
export interface LinkFaults {
  /** The share of requests that are lost on the way there, of replies and of wakeups on the way back. */
  readonly loss: number;
  /** The share of messages that are slow. */
  readonly slow: number;
}

/** How long until a process hears that a message was lost, in microseconds. */
const LOST_US = 100_000;

/** What a process connects by. */
export interface LinkParts {
  /** Which process it is. */
  readonly process: number;
  /** The store at the far end. */
  readonly store: MemoryStore;
  /** The clock of the world. */
  readonly world: FakeClock;
  /** The clock of the process. */
  readonly clock: ProcessClock;
  /** Decides about delays and losses. */
  readonly random: Random;
  /** How it behaves. */
  readonly faults: LinkFaults;
  /** Where everything is written down that the store does. */
  readonly history: History;
  /** Takes down what the store could not do: in memory, it can do everything. */
  readonly problems: string[];
  /** Hears of each request when it is sent. */
  onSend(request: StoreRequest): void;
}

/** The connection of one process. Requests arrive in the order in which they were sent, and so do replies. */
export class Link implements Store {
  /** What kind of store it is. */
  readonly engine: string = "simulated";
  readonly #parts: LinkParts;
  #listener: WakeupListener | undefined;
  #isCut = false;
  #arrivalUs = 0;
  #returnUs = 0;

  /**
   * Connects.
   *
   * @param parts What it connects.
   */
  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  /** Sends a request, and brings the reply. */
  execute<Request extends StoreRequest>(request: Request): Promise<ReplyTo<Request>> {
    const { world, clock, random, faults, onSend } = this.#parts;
    onSend(request);
    return new Promise((resolve, reject) => {
      const fail = () => clock.run(() => reject(new StoreError("STORE_UNAVAILABLE", "the connection was lost")));
      if (this.#isCut || random.chance(faults.loss)) return void this.#later(LOST_US, fail);
      const isReplyLost = random.chance(faults.loss);
      this.#arrivalUs = Math.max(world.nowUs() + this.#delay(), this.#arrivalUs + 1);
      world.schedule(this.#arrivalUs, () => {
        if (this.#isCut || clock.hasEnded) return fail();
        const reply = this.#ask(request);
        this.#returnUs = Math.max(world.nowUs() + this.#delay(), this.#returnUs + 1);
        world.schedule(this.#returnUs, () => {
          if (isReplyLost || this.#isCut) fail();
          else if (reply instanceof Error) clock.run(() => reject(reply));
          else clock.run(() => resolve(reply as ReplyTo<Request>));
        });
      });
    });
  }

  /** Brings wakeups to the process. */
  async listen(listener: WakeupListener): Promise<void> {
    const { process, store, clock, random, faults, history } = this.#parts;
    this.#listener = listener;
    history.joined(process, listener.instance);
    await store.listen({
      instance: listener.instance,
      targetOf: (id) => listener.targetOf(id),
      missed: () => clock.run(() => listener.missed()),
      corrected: (correction) => {
        if (this.#isCut || clock.hasEnded) return;
        this.#later(this.#delay(), () => clock.run(() => this.#isCut || listener.corrected?.(correction)));
      },
      wakeup: (wakeup) => {
        history.wokenUp(wakeup);
        if (this.#isCut || clock.hasEnded) return;
        // A connection that loses a message is made anew; then its listener asks again.
        if (random.chance(faults.loss)) this.#later(LOST_US, () => clock.run(() => listener.missed()));
        else this.#later(this.#delay(), () => clock.run(() => this.#isCut || listener.wakeup(wakeup)));
      },
    });
  }

  /** Cuts the connection: what is on its way is lost. */
  cut(): void {
    this.#isCut = true;
  }

  /** Connects again. */
  mend(): void {
    this.#isCut = false;
    this.#parts.clock.run(() => this.#listener?.missed());
  }

  /** Forgets every key. */
  resetAll(): Promise<void> {
    return this.#parts.store.resetAll();
  }

  /** Nothing has to be opened. */
  connect(): Promise<void> {
    return Promise.resolve();
  }

  /** Leaves the store to the others. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  #ask(request: StoreRequest): TakeReply | DoneReply | Error {
    const { process, store, history, problems } = this.#parts;
    try {
      const reply = store.execute(request) as TakeReply | DoneReply;
      history.executed(process, request, reply);
      return reply;
    } catch (error) {
      problems.push(`${request.op} failed: ${error}`);
      return error as Error;
    }
  }

  #later(us: number, work: () => void): void {
    const { world } = this.#parts;
    world.schedule(world.nowUs() + us, work);
  }

  #delay(): number {
    const { random, faults } = this.#parts;
    return 50 + random.below(random.chance(faults.slow) ? 200_000 : 2_000);
  }
}
