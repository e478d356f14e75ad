/**
 * The instance that metrics are about.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { DenialCounts } from "../observe/denial_counts.ts";
import type { Observer } from "../observe/observer.ts";
import { theDefault } from "../registry/default_state.ts";
import type { RateSync } from "../registry/rate_sync.ts";
import { type Reading, readingOfDenials, readingsOf } from "./readings.ts";

/** An instance that is observed. Of the default instance: the one of that moment, since `close()` makes way for another. */
export class Source {
  readonly #given: RateSync | undefined;
  readonly #observer: Observer;
  readonly #denials = new DenialCounts();
  #observed: RateSync | undefined;
  #ignore: (() => void) | undefined;

  /**
   * @param given The instance; undefined for the default instance.
   * @param observer Observes it.
   * @throws {ConfigError} If it is none.
   */
  constructor(given: RateSync | undefined, observer: Observer) {
    if (given !== undefined && typeof given?.observe !== "function") {
      const expected = "an instance, of createRateSync";
      throw new ConfigError({ path: "rateSync", expected, received: show(given) });
    }
    this.#given = given;
    this.#observer = { ...observer, denied: (limiter, _key, decision) => this.#denials.count(limiter, decision) };
    this.#follow();
  }

  /** What it says of itself at this moment. */
  read(): Reading[] {
    return [...readingsOf(this.#follow()), ...this.#denials.read().map(readingOfDenials)];
  }

  /** Begins to count denials anew. */
  reset(): void {
    this.#denials.reset();
  }

  #follow(): RateSync {
    const current = this.#given ?? theDefault().instance;
    if (current !== this.#observed) {
      this.stop();
      this.#observed = current;
      this.#ignore = current.observe(this.#observer);
    }
    return current;
  }

  /** Observes no longer. */
  stop(): void {
    this.#ignore?.();
    this.#observed = this.#ignore = undefined;
  }
}
