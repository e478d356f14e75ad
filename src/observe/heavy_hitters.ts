/**
 * Which keys of a limiter come most often, and which are denied most often, in a fixed space.
 *
 * @module
 */

import { type Clock, toWallMs } from "../base/clock.ts";
import { shortKey } from "../base/short_key.ts";
import { show } from "../base/text.ts";
import { rejectUnknownOptions } from "../base/unknown_options.ts";
import type { Observer } from "./observer.ts";
import { Sketch } from "./sketch.ts";

/** The most keys of a list. */
const MOST = 100;

/** How many keys a sketch has room for: some hundred bytes each, while it is read. */
const ROOM = 1_024;

/** Counting ends if the lists were not read for so long, in microseconds; checked after so many decisions. */
const UNREAD_US = 600_000_000;
const LOOK_EVERY = 1_024;

/** What to read of heavy hitters. */
export interface HeavyHitterOptions {
  /** The most keys of each list, from 1 to 100. @default {10} */
  readonly count?: number;
}

/** A key that comes often. */
export interface HeavyHitter {
  /**
   * The key; undefined for the limiter as a whole. Clients may have chosen it: show it as text. Of a key of more than 200
   * characters, its first 32 and a hash.
   */
  readonly key: string | undefined;
  /** How often it came: at most so often, and at least `count - error` times. */
  readonly count: number;
  /** By how much `count` may be too large. */
  readonly error: number;
}

/** The keys of a limiter that come most often, the first of each list most often of all. */
export interface HeavyHitters {
  /** Since when the process has counted, in milliseconds since the Unix epoch. */
  readonly sinceMs: number;
  /** By calls that were decided. */
  readonly byRequests: readonly HeavyHitter[];
  /** By denials. */
  readonly byDenials: readonly HeavyHitter[];
}

/** Keeps them for an instance: nothing at first. Loaded by the first call. */
export function newSketches(clock: Clock, observe: (observer: Observer) => () => void): HeavyHitterSketches {
  return new HeavyHitterSketches(clock, observe);
}

/** The sketches of one limiter. */
interface Counted {
  readonly sinceUs: number;
  readUs: number;
  decisions: number;
  readonly requests: Sketch;
  readonly denials: Sketch;
}

/** The sketches of the limiters of an instance that are read. */
export class HeavyHitterSketches {
  readonly #clock: Clock;
  readonly #observe: (observer: Observer) => () => void;
  readonly #limiters = new Map<string, Counted>();
  #stop: (() => void) | undefined;

  constructor(clock: Clock, observe: (observer: Observer) => () => void) {
    this.#clock = clock;
    this.#observe = observe;
  }

  /**
   * What is known of a limiter. The first call begins to count.
   *
   * @throws {RangeError} If the count cannot be used.
   */
  read(limiter: string, options: HeavyHitterOptions): HeavyHitters {
    rejectUnknownOptions(options, ["count"]);
    const { count = 10 } = options;
    if (!Number.isInteger(count) || count < 1 || count > MOST) {
      throw new RangeError(`Cannot read heavy hitters: expected a count from 1 to ${MOST}, received ${show(count)}`);
    }
    const counted = this.#counted(limiter);
    counted.readUs = this.#clock.nowUs();
    return {
      sinceMs: toWallMs(this.#clock, counted.sinceUs),
      byRequests: counted.requests.top(count),
      byDenials: counted.denials.top(count),
    };
  }

  #counted(limiter: string): Counted {
    const known = this.#limiters.get(limiter);
    if (known !== undefined) return known;
    const nowUs = this.#clock.nowUs();
    const [requests, denials] = [new Sketch(ROOM), new Sketch(ROOM)];
    const counted: Counted = { sinceUs: nowUs, readUs: nowUs, decisions: 0, requests, denials };
    this.#limiters.set(limiter, counted);
    this.#stop ??= this.#observe({ decided: (id, key, { allowed }) => this.#count(id, key, allowed) });
    return counted;
  }

  #count(limiter: string, key: string | undefined, isAllowed: boolean): void {
    const counted = this.#limiters.get(limiter);
    if (counted === undefined) return;
    const name = key !== undefined && key.length > 200 ? `${key.slice(0, 32)}… ${shortKey(key).slice(-64, -48)}` : key;
    counted.requests.add(name);
    if (!isAllowed) counted.denials.add(name);
    if (++counted.decisions % LOOK_EVERY === 0 && this.#clock.nowUs() - counted.readUs > UNREAD_US) this.#end(limiter);
  }

  #end(limiter: string): void {
    this.#limiters.delete(limiter);
    if (this.#limiters.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }
}
