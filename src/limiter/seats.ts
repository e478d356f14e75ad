/**
 * Calls of this process that wait for the instant which the store has assigned to them.
 *
 * @module
 */

import { onAbort } from "../base/abort.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { TakeReply } from "../stores/store.ts";

/** An assigned instant, and the reply that assigned it: whoever gives the place up gives that reply's units back. */
interface Seat {
  readonly atUs: number;
  readonly reply: TakeReply;
}

interface Sitter {
  seat: Seat;
  readonly cost: string;
  timer: Timer | undefined;
  readonly start: () => void;
  readonly dismiss: (error: Error) => Promise<void>;
}

/** What one call waits with. */
export interface SeatRequest {
  /** Calls with the same line wait for the same targets. */
  readonly line: string;
  /** Calls with the same cost can pass their seats on. */
  readonly cost: string;
  /** The reply that assigned the instant. */
  readonly reply: TakeReply;
  /** When it was received, by this process' clock. */
  readonly receivedUs: number;
  /** Gives the place up. */
  readonly signal: AbortSignal | undefined;
  /** Told the reply whose units nobody needs any more. Must not reject. */
  giveBack(reply: TakeReply): Promise<void>;
}

/**
 * The seats of a process. Who leaves passes his seat to the next behind him with the same cost, who passes on his: so
 * everybody behind moves up, and the seat that is given back is the last one, the only one that a token bucket can
 * take back while others wait.
 */
export class Seats {
  readonly #lines = new Map<string, Sitter[]>();
  readonly #clock: Clock;
  #closed: Error | undefined;

  /**
   * Makes one.
   *
   * @param clock What waits are measured by.
   */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether no call waits. */
  get isEmpty(): boolean {
    return this.#lines.size === 0;
  }

  /**
   * Sends everybody away with an error, the last one first, so that all units can be taken back. Resolves when they
   * have been. Nobody can wait any more.
   */
  async close(error: Error): Promise<void> {
    this.#closed = error;
    const sitters = [...this.#lines.values()].flatMap((line) => line.toReversed());
    this.#lines.clear();
    await Promise.all(sitters.map((sitter) => sitter.dismiss(error)));
  }

  /** Waits for the seat's instant; rejects with the signal's reason. */
  wait({ line, cost, reply, receivedUs, signal, giveBack }: SeatRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted || this.#closed !== undefined) {
        void giveBack(reply);
        return reject(signal?.aborted ? signal.reason : this.#closed);
      }
      const sitter: Sitter = {
        seat: { atUs: receivedUs + reply.waitUs, reply },
        cost,
        timer: undefined,
        start: () => {
          stay();
          this.#remove(line, sitter);
          resolve();
        },
        dismiss: (error) => {
          stay();
          sitter.timer?.cancel();
          reject(error);
          return giveBack(sitter.seat.reply);
        },
      };
      const stay = onAbort(signal, () => {
        void giveBack(this.#leave(line, sitter));
        reject(signal?.reason);
      });
      const sitters = this.#lines.get(line);
      // Those who wait may sit down in another order than that of their instants.
      if (sitters === undefined) this.#lines.set(line, [sitter]);
      else sitters.splice(sitters.findLastIndex(({ seat }) => seat.atUs <= sitter.seat.atUs) + 1, 0, sitter);
      this.#arm(sitter);
    });
  }

  #arm(sitter: Sitter): void {
    sitter.timer?.cancel();
    sitter.timer = this.#clock.schedule(sitter.seat.atUs, sitter.start);
  }

  #remove(line: string, sitter: Sitter): Sitter[] {
    const sitters = this.#lines.get(line) ?? [];
    const place = sitters.indexOf(sitter);
    if (place < 0) return [];
    const behind = sitters.slice(place + 1);
    sitters.splice(place, 1);
    if (sitters.length === 0) this.#lines.delete(line);
    return behind;
  }

  /** Moves everybody behind up. Returns the reply of the seat that is left over. */
  #leave(line: string, leaver: Sitter): TakeReply {
    leaver.timer?.cancel();
    let free = leaver.seat;
    for (const next of this.#remove(line, leaver)) {
      if (next.cost !== leaver.cost || next.seat.atUs < free.atUs) continue;
      [free, next.seat] = [next.seat, free];
      this.#arm(next);
    }
    return free.reply;
  }
}
