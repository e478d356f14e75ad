/**
 * Who takes part: the sessions of processes, which messages of each have come, and whose calls take wakeups. All of it follows
 * from the messages, so that every process holds the same.
 *
 * @module
 */

import type { WakeupListener } from "../store.ts";

/** How long a session remembers which of its messages have come, in microseconds: none is sent again later. */
const REMEMBERED_US = 150_000_000;

/** How many later messages of a session may come before one that was lost at first: more than it sends in some seconds. */
const MOST_MISSING = 16_384;

interface Session {
  /** When its last message came. */
  seenUs: number;
  /** The highest number that has come. */
  top: number;
  /** Lower ones that have not, in their order. */
  readonly missing: Set<number>;
  instances: readonly string[];
  /** How long its listeners count as alive when nothing comes of it: after that, its waiting calls are skipped. */
  aliveUs: number;
}

/** A session as snapshots keep it. */
export type SessionTuple = readonly [string, number, number, readonly number[], readonly string[], number];

/** All sessions. */
export class Sessions {
  /** Where wakeups go, by instance: those of other processes go nowhere. */
  readonly listeners: Map<string, WakeupListener> = new Map();
  readonly #own: ReadonlyMap<string, WakeupListener>;
  readonly #sessions = new Map<string, Session>();
  /** Nothing ends before this. */
  #nextUs = -Infinity;

  /**
   * @param own The listeners of this process.
   */
  constructor(own: ReadonlyMap<string, WakeupListener>) {
    this.#own = own;
  }

  /** All of them, for a snapshot. */
  get tuples(): SessionTuple[] {
    return Array.from(this.#sessions, ([name, session]): SessionTuple => {
      const { seenUs, top, missing, instances, aliveUs } = session;
      return [name, seenUs, top, [...missing], instances, aliveUs];
    });
  }

  /** Takes over what a snapshot has kept. */
  restore(tuples: readonly SessionTuple[]): void {
    for (const [name, seenUs, top, missing, instances, aliveUs] of tuples) {
      this.#sessions.set(name, { seenUs, top, missing: new Set(missing), instances: [], aliveUs });
      this.listen(name, instances, aliveUs);
    }
    this.#nextUs = -Infinity;
  }

  /** Notes that a message of a session has come. Returns whether it comes for the first time. */
  accept(name: string, number: number, nowUs: number): boolean {
    let session = this.#sessions.get(name);
    if (session === undefined) {
      session = { seenUs: nowUs, top: 0, missing: new Set(), instances: [], aliveUs: REMEMBERED_US };
      this.#sessions.set(name, session);
    }
    session.seenUs = nowUs;
    const { top, missing } = session;
    if (number <= top) return missing.delete(number);
    for (let i = Math.max(top + 1, number - MOST_MISSING); i < number; i++) missing.add(i);
    for (const each of missing) {
      if (each >= number - MOST_MISSING) break; // they were added in their order
      missing.delete(each);
    }
    session.top = number;
    return true;
  }

  /** The instances of a session that take wakeups from now on. */
  listen(name: string, instances: readonly string[], aliveUs: number): void {
    const session = this.#sessions.get(name);
    if (session === undefined) return;
    session.aliveUs = aliveUs;
    this.#nextUs = Math.min(this.#nextUs, session.seenUs + aliveUs);
    for (const instance of session.instances) this.listeners.delete(instance);
    session.instances = instances;
    for (const instance of instances) {
      this.listeners.set(instance, this.#own.get(instance) ?? foreignListener(instance));
    }
  }

  /** Ends a session. */
  leave(name: string): void {
    this.listen(name, [], 0);
    this.#sessions.delete(name);
  }

  /**
   * Ends what has not been heard of for too long, but for one session, of which something comes now.
   *
   * @param nowUs The time.
   * @param sender That session.
   * @param lapsed Called with each session whose waiting calls are skipped from now on.
   */
  expire(nowUs: number, sender: string, lapsed: (name: string) => void): void {
    if (nowUs < this.#nextUs) return;
    let nextUs = Infinity;
    for (const [name, session] of this.#sessions) {
      // Of a clock that has stepped back, the old times say nothing.
      if (session.seenUs > nowUs) session.seenUs = nowUs;
      const silentUs = name === sender ? 0 : nowUs - session.seenUs;
      if (silentUs > session.aliveUs && session.instances.length > 0) {
        this.listen(name, [], session.aliveUs);
        lapsed(name);
      }
      const isListening = session.instances.length > 0;
      if (!isListening && silentUs > REMEMBERED_US) this.#sessions.delete(name);
      else nextUs = Math.min(nextUs, nowUs - silentUs + (isListening ? session.aliveUs : REMEMBERED_US));
    }
    this.#nextUs = nextUs;
  }

  /** After a step back of the clock, the next message looks at all of them. */
  steppedBack(): void {
    this.#nextUs = -Infinity;
  }
}

/** Stands for a listener in another process. */
function foreignListener(instance: string): WakeupListener {
  return { instance, targetOf: () => undefined, wakeup: () => {}, missed: () => {} };
}
