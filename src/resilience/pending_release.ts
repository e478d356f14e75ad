/**
 * A release that is on its way to a store.
 *
 * @module
 */

import { Deadlined, type DeadlineLine } from "../base/deadline.ts";
import type { DoneReply, ReleaseRequest, ReplySink, Target } from "../stores/store.ts";
import type { StoreHealth } from "./store_health.ts";
import type { Expiring, Timed } from "./timed.ts";

/**
 * A release. Its caller learns nothing but that it need not wait any longer: at once while the store is away, where the
 * release is tried all the same.
 */
export class PendingRelease extends Deadlined implements ReplySink<DoneReply>, Timed {
  readonly targets: readonly Target[];
  mark = 0;
  line: DeadlineLine<Expiring> | undefined = undefined;
  readonly #health: StoreHealth;
  readonly #done: (reply?: DoneReply) => void;

  constructor(health: StoreHealth, { targets }: ReleaseRequest, done: (reply?: DoneReply) => void) {
    super();
    this.targets = targets;
    this.#health = health;
    this.#done = done;
    if (health.breaker.error === undefined) health.start(this);
    else {
      this.mark = health.mark;
      done();
    }
  }

  answered(reply: DoneReply): void {
    this.#health.answered();
    this.line?.delete(this);
    this.#done(reply);
  }

  failed(error: unknown): void {
    this.#health.failed(error, this.mark, this.targets);
    this.line?.delete(this);
    this.#done();
  }

  expire(): void {
    this.#health.failed(this.#health.lateError(this.targets), this.mark, this.targets);
    this.#done();
  }
}
