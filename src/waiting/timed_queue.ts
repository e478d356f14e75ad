/**
 * Calls of this process that wait for the instant which the store has assigned to them.
 *
 * @module
 */

import { onAbort } from "../base/abort.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { shortKey } from "../base/short_key.ts";
import { correctedName } from "../stores/correction.ts";
import type { TakeReply, Target } from "../stores/store.ts";
import { type Turn, TurnQueue, type TurnWaiter } from "./turn_queue.ts";

/** What one call waits with. */
export interface TurnRequest {
  /** What was taken. Calls with the same targets and costs can pass on what they took. */
  readonly targets: readonly Target[];
  /** The reply that assigned the instant. */
  readonly reply: TakeReply;
  /** When it was received, by this process' clock. */
  readonly receivedUs: number;
  /** Gives the place up. */
  readonly signal: AbortSignal | undefined;
  /** Gives back what a reply has taken, but from a key that was forgotten since. Must not reject. */
  giveBack(reply: TakeReply, forgotten?: string): Promise<void>;
}

/** How a wait has ended: the instant has come, or it holds no longer and the store must be asked again. */
export type TurnOutcome = "due" | "moved";

/** A queue, and the timer of its first turn. */
interface Line {
  readonly name: string;
  readonly targets: readonly Target[];
  readonly queue: TurnQueue;
  timer: Timer | undefined;
  timerUs: number;
}

/** A call that waits. Thousands may leave in one turn, so it is one object. */
class Waiter implements TurnWaiter {
  before: TurnWaiter | undefined = undefined;
  behind: TurnWaiter | undefined = undefined;
  /** Stops following the signal. */
  stay: (() => void) | undefined = undefined;
  readonly #request: TurnRequest;
  readonly #resolve: (outcome: TurnOutcome) => void;
  readonly #reject: (error: unknown) => void;

  constructor(request: TurnRequest, resolve: (outcome: TurnOutcome) => void, reject: (error: unknown) => void) {
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    this.stay?.();
    this.#resolve("due");
  }

  ask(): void {
    this.stay?.();
    this.#resolve("moved");
  }

  dismiss(error: Error): void {
    this.stay?.();
    this.#reject(error);
  }

  giveBack({ reply }: Turn, forgotten?: string): Promise<void> {
    return this.#request.giveBack(reply, forgotten);
  }
}

/** A correction of a key, after which other instants hold. */
export interface TurnMove {
  /** The key, as `correctedName` names it. */
  readonly name: string;
  /**
   * The store has forgotten what was taken from the key up to this instant of its clock; `-Infinity` if it has
   * forgotten nothing.
   */
  readonly forgottenUs: number;
  /** Leaves a line alone whose calls all wait until then or longer, by this process' clock. */
  readonly untilUs: number;
}

/**
 * The turns of a process. A call that leaves passes the turn on to the next one behind it with the same costs, which
 * passes on the one that it had: so all calls behind move up, and the turn that is given back is the last one, the only
 * one that a token bucket can take back while others wait.
 */
export class TimedQueue {
  readonly #lines = new Map<string, Line>();
  /** The lines in which calls wait for a key of a limiter. */
  readonly #byKey = new Map<string, Set<Line>>();
  readonly #clock: Clock;
  #closed: Error | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether no call waits. */
  get isEmpty(): boolean {
    return this.#lines.size === 0;
  }

  /**
   * Sends all calls away with an error, in their order: if the store was replaced, they ask the new one. What they have
   * taken is given back, the last one first, so that all of it can be. Resolves when it was. No call can wait any more.
   */
  async close(error: Error): Promise<void> {
    this.#closed = error;
    const all = this.#clear([...this.#lines.values()]);
    const given = all.toReversed().map(([waiter, turn]) => waiter.giveBack(turn));
    for (const [waiter] of all) waiter.dismiss(error);
    await Promise.all(given);
  }

  /**
   * The instants of a key hold no longer: it was reset, blocked or unblocked. All calls that wait for it give back what
   * they have taken, the last one first, and ask the store again in their order.
   */
  move({ name, forgottenUs, untilUs }: TurnMove): void {
    const lines = [...this.#byKey.get(name) ?? []].filter(({ queue }) => queue.firstUs < untilUs);
    this.#move(lines, (turn) => turn.reply.nowUs <= forgottenUs ? name : undefined);
  }

  /** The rules of a limiter have changed: the same with all calls that wait for it. */
  adopt(limiter: string): void {
    this.#move([...this.#lines.values()].filter(({ targets }) => targets.some((each) => each.limiter === limiter)));
  }

  #move(lines: readonly Line[], forgottenOf?: (turn: Turn) => string | undefined): void {
    const all = this.#clear(lines);
    for (const [waiter, turn] of all.toReversed()) void waiter.giveBack(turn, forgottenOf?.(turn));
    for (const [waiter] of all) waiter.ask();
  }

  /** Every key of the store was reset. */
  moveAll(): void {
    for (const [waiter] of this.#clear([...this.#lines.values()])) waiter.ask();
  }

  /** Waits for the turn's instant; rejects with the signal's reason. */
  wait(request: TurnRequest): Promise<TurnOutcome> {
    const { targets, reply, receivedUs, signal } = request;
    if (signal?.aborted || this.#closed !== undefined) {
      void request.giveBack(reply);
      return Promise.reject(signal?.aborted ? signal.reason : this.#closed);
    }
    return new Promise((resolve, reject) => {
      const line = this.#lineOf(targets);
      const waiter = new Waiter(request, resolve, reject);
      if (signal !== undefined) {
        waiter.stay = onAbort(signal, () => {
          const free = line.queue.leave(waiter);
          this.#arm(line);
          void waiter.giveBack(free);
          reject(signal.reason);
        });
      }
      line.queue.add(waiter, { atUs: receivedUs + reply.waitUs, reply });
      this.#arm(line);
    });
  }

  /** Sets the timer of a line to its first turn; forgets a line that is empty. */
  #arm(line: Line): void {
    const { firstUs } = line.queue;
    if (firstUs === line.timerUs) return;
    line.timer?.cancel();
    line.timer = undefined;
    line.timerUs = firstUs;
    if (firstUs === Infinity) return this.#forget(line);
    line.timer = this.#clock.schedule(firstUs, () => {
      line.timerUs = NaN;
      // A clock that a test has faked may stand still while its timers fire.
      line.queue.startUntil(Math.max(this.#clock.nowUs(), firstUs));
      this.#arm(line);
    });
  }

  #lineOf(targets: readonly Target[]): Line {
    const name = lineName(targets);
    let line = this.#lines.get(name);
    if (line !== undefined) return line;
    line = { name, targets, queue: new TurnQueue(), timer: undefined, timerUs: Infinity };
    this.#lines.set(name, line);
    for (const target of targets) {
      const byKey = correctedName(target);
      const lines = this.#byKey.get(byKey);
      if (lines === undefined) this.#byKey.set(byKey, new Set([line]));
      else lines.add(line);
    }
    return line;
  }

  #forget(line: Line): void {
    this.#lines.delete(line.name);
    for (const target of line.targets) {
      const byKey = correctedName(target);
      const lines = this.#byKey.get(byKey);
      lines?.delete(line);
      if (lines?.size === 0) this.#byKey.delete(byKey);
    }
  }

  /** Empties lines. Returns who stood there, in order of their instants, and those of one line in the order of the line. */
  #clear(lines: readonly Line[]): [TurnWaiter, Turn][] {
    const all = lines.map((line) => {
      const waiters = line.queue.clear();
      this.#arm(line);
      return waiters;
    });
    if (all.length === 1) return all[0] as [TurnWaiter, Turn][];
    const placed = all.flatMap((waiters) => {
      // Of two calls with one instant, the reply of the second may have been the faster one.
      let fromUs = -Infinity;
      return waiters.map((each) => ({ each, fromUs: fromUs = Math.max(fromUs, each[1].atUs) }));
    });
    return placed.sort((one, other) => one.fromUs - other.fromUs).map(({ each }) => each);
  }
}

function lineName(targets: readonly Target[]): string {
  return JSON.stringify(targets.map(({ limiter, key, cost }) => [limiter, shortKey(key), cost]));
}
