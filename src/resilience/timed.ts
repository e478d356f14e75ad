/**
 * What has a deadline while it waits for a store.
 *
 * @module
 */

import { Deadlined, type DeadlineLine } from "../base/deadline.ts";
import type { Target } from "../stores/store.ts";

/** Something whose time ends. */
export interface Expiring extends Deadlined {
  /** Its time is over, and it has left the line. Must not throw. */
  expire(): void;
}

/** Something that waits for the store. */
export interface Timed extends Expiring {
  /** What it is about. */
  readonly targets: readonly Target[];
  /** Where the counter of the store's health stood when it was asked; set by `start`, as all that follows. */
  mark: number;
  /** Where its time is measured; undefined where it has no end. */
  line: DeadlineLine<Expiring> | undefined;
}

/** A wait for a promise. */
export class PromiseWait extends Deadlined implements Expiring {
  readonly expire: () => void;

  constructor(expire: () => void) {
    super();
    this.expire = expire;
  }
}
