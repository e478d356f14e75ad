/**
 * Calls that wait for the same units, and the instants that the store has assigned to them, both in order.
 *
 * @module
 */

import type { TakeReply } from "../stores/store.ts";

/** An assigned instant, and the reply that assigned it: a call that gives the place up gives that reply's units back. */
export interface Seat {
  /** The instant, by this process' clock. */
  readonly atUs: number;
  /** The reply that assigned it. */
  readonly reply: TakeReply;
}

/** A call that waits. It stands in one queue at most. */
export interface Sitter {
  /** The call in front of it. */
  before: Sitter | undefined;
  /** The call behind it. */
  behind: Sitter | undefined;
  /** The seat's instant has come. */
  start(seat: Seat): void;
  /** The seat holds no longer: ask the store again. */
  ask(): void;
  /** Sends the call away with an error. */
  dismiss(error: Error): void;
  /**
   * Gives back what a seat has taken. Must not reject.
   *
   * @param seat The seat.
   * @param forgotten Names a key whose state was forgotten: nothing of it can be given back.
   */
  giveBack(seat: Seat, forgotten?: string): Promise<void>;
}

/** How many free places in front of the first seat are kept before the list is packed. */
const LOOSE = 1_024;

/**
 * As many seats as calls. The first call has the first seat, and so on: a call that leaves therefore moves all calls
 * behind it up, and frees the last seat, in constant time.
 */
export class SeatQueue {
  readonly #seats: Seat[] = [];
  /** Where the first seat lies. */
  #place = 0;
  #first: Sitter | undefined;
  #last: Sitter | undefined;

  /** The instant of the first seat; `Infinity` if there is none. */
  get firstUs(): number {
    return this.#seats[this.#place]?.atUs ?? Infinity;
  }

  /** Adds a call: behind all others, or in front of those with later instants, where replies came in another order. */
  add(sitter: Sitter, seat: Seat): void {
    let before = this.#last;
    let place = this.#seats.length;
    for (; place > this.#place && isBefore(seat, this.#seats[place - 1] as Seat); place--) before = before?.before;
    if (place === this.#seats.length) this.#seats.push(seat);
    else this.#seats.splice(place, 0, seat);
    const behind = before === undefined ? this.#first : before.behind;
    sitter.before = before;
    sitter.behind = behind;
    if (before === undefined) this.#first = sitter;
    else before.behind = sitter;
    if (behind === undefined) this.#last = sitter;
    else behind.before = sitter;
  }

  /** Removes a call, which stands in the queue. Returns the seat that is free now: the last one. */
  leave(sitter: Sitter): Seat {
    this.#unlink(sitter);
    return this.#seats.pop() as Seat;
  }

  /** Starts the calls whose instant has come, in order. */
  startUntil(nowUs: number): void {
    while (this.#first !== undefined && this.firstUs <= nowUs) {
      const sitter = this.#first;
      const seat = this.#seats[this.#place++] as Seat;
      this.#unlink(sitter);
      if (this.#place > LOOSE && this.#place * 2 > this.#seats.length) {
        this.#seats.splice(0, this.#place);
        this.#place = 0;
      }
      sitter.start(seat);
    }
  }

  /** Removes all calls. Returns them with their seats, in order. */
  clear(): [Sitter, Seat][] {
    const all: [Sitter, Seat][] = [];
    for (let sitter = this.#first; sitter !== undefined; sitter = sitter.behind) {
      all.push([sitter, this.#seats[this.#place++] as Seat]);
    }
    this.#seats.length = this.#place = 0;
    this.#first = this.#last = undefined;
    return all;
  }

  #unlink({ before, behind }: Sitter): void {
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
  }
}

/**
 * By the store's clock, which gives seats their order, and by this process' clock too: it may have been late to hear of
 * one of the two, and the store's clock may have stepped back.
 */
function isBefore(seat: Seat, other: Seat): boolean {
  return seat.atUs < other.atUs && instantOf(seat.reply) < instantOf(other.reply);
}

function instantOf({ nowUs, waitUs }: TakeReply): number {
  return nowUs + waitUs;
}
