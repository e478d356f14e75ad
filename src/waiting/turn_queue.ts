/**
 * Calls that wait for the same units, and the instants that the store has assigned to them, both in order.
 *
 * @module
 */

import type { TakeReply } from "../stores/store.ts";

/** An assigned instant, and the reply that assigned it: a call that gives the place up gives that reply's units back. */
export interface Turn {
  /** The instant, by this process' clock. */
  readonly atUs: number;
  /** The reply that assigned it. */
  readonly reply: TakeReply;
}

/** A call that waits. It stands in one queue at most. */
export interface TurnWaiter {
  /** The call in front of it. */
  before: TurnWaiter | undefined;
  /** The call behind it. */
  behind: TurnWaiter | undefined;
  /** The turn's instant has come. */
  start(turn: Turn): void;
  /** The turn holds no longer: ask the store again. */
  ask(): void;
  /** Sends the call away with an error. */
  dismiss(error: Error): void;
  /**
   * Gives back what a turn has taken. Must not reject.
   *
   * @param turn The turn.
   * @param forgotten Names a key whose state was forgotten: nothing of it can be given back.
   */
  giveBack(turn: Turn, forgotten?: string): Promise<void>;
}

/** How many free places in front of the first turn are kept before the list is packed. */
const LOOSE = 1_024;

/**
 * As many turns as calls. The first call has the first turn, and so on: a call that leaves therefore moves all calls
 * behind it up, and frees the last turn, in constant time.
 */
export class TurnQueue {
  readonly #turns: Turn[] = [];
  /** Where the first turn lies. */
  #place = 0;
  #first: TurnWaiter | undefined;
  #last: TurnWaiter | undefined;

  /** The instant of the first turn; `Infinity` if there is none. */
  get firstUs(): number {
    return this.#turns[this.#place]?.atUs ?? Infinity;
  }

  /** Adds a call: behind all others, or in front of those with later instants, where replies came in another order. */
  add(waiter: TurnWaiter, turn: Turn): void {
    let before = this.#last;
    let place = this.#turns.length;
    for (; place > this.#place && isBefore(turn, this.#turns[place - 1] as Turn); place--) before = before?.before;
    if (place === this.#turns.length) this.#turns.push(turn);
    else this.#turns.splice(place, 0, turn);
    const behind = before === undefined ? this.#first : before.behind;
    waiter.before = before;
    waiter.behind = behind;
    if (before === undefined) this.#first = waiter;
    else before.behind = waiter;
    if (behind === undefined) this.#last = waiter;
    else behind.before = waiter;
  }

  /** Removes a call, which stands in the queue. Returns the turn that is free now: the last one. */
  leave(waiter: TurnWaiter): Turn {
    this.#unlink(waiter);
    return this.#turns.pop() as Turn;
  }

  /** Starts the calls whose instant has come, in order. */
  startUntil(nowUs: number): void {
    while (this.#first !== undefined && this.firstUs <= nowUs) {
      const waiter = this.#first;
      const turn = this.#turns[this.#place++] as Turn;
      this.#unlink(waiter);
      if (this.#place > LOOSE && this.#place * 2 > this.#turns.length) {
        this.#turns.splice(0, this.#place);
        this.#place = 0;
      }
      waiter.start(turn);
    }
  }

  /** Removes all calls. Returns each with its time, in order. */
  clear(): [TurnWaiter, Turn][] {
    const all: [TurnWaiter, Turn][] = [];
    for (let waiter = this.#first; waiter !== undefined; waiter = waiter.behind) {
      all.push([waiter, this.#turns[this.#place++] as Turn]);
    }
    this.#turns.length = this.#place = 0;
    this.#first = this.#last = undefined;
    return all;
  }

  #unlink({ before, behind }: TurnWaiter): void {
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
  }
}

/**
 * By the store's clock, which gives turns their order, and by this process' clock too: it may have been late to hear of
 * one of the two, and the store's clock may have stepped back.
 */
function isBefore(turn: Turn, other: Turn): boolean {
  return turn.atUs < other.atUs && instantOf(turn.reply) < instantOf(other.reply);
}

function instantOf({ nowUs, waitUs }: TakeReply): number {
  return nowUs + waitUs;
}
