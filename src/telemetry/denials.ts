/**
 * Denials by what denied them, counted while metrics are collected.
 *
 * @module
 */

import type { Decision } from "../limiter/result/decision.ts";
import type { Attributes, Reading } from "./readings.ts";

interface Count {
  readonly id: "denials";
  readonly attributes: Attributes;
  value: number;
}

/** Counts the denials of an instance: a decision says in few words what denied it. */
export class Denials {
  /** By limiter, kind of key, and limit. */
  readonly #limiters = new Map<string, Map<string, Map<string, Count>>>();
  /** The one that was counted last: often the next one too. */
  #last: Count | undefined;

  /** Counts a denial. Of a call over several limiters, each reports it: the one that has denied counts. */
  count(limiter: string, _key: string | undefined, { deniedBy }: Decision): void {
    if (deniedBy?.limiter !== limiter) return;
    const { rule, keyClass } = deniedBy;
    const last = this.#last?.attributes;
    if (last?.rule !== rule || last.limiter !== limiter || last.key_class !== keyClass) {
      const rules = within(within(this.#limiters, limiter), keyClass);
      this.#last = rules.get(rule) ?? { id: "denials", attributes: { limiter, rule, key_class: keyClass }, value: 0 };
      rules.set(rule, this.#last);
    }
    (this.#last as Count).value++;
  }

  /** The counts. */
  read(): Reading[] {
    return [...this.#limiters.values()].flatMap((classes) =>
      [...classes.values()].flatMap((rules) => [...rules.values()])
    );
  }

  /** Begins anew. */
  reset(): void {
    this.#limiters.clear();
    this.#last = undefined;
  }
}

function within<Value>(maps: Map<string, Map<string, Value>>, name: string): Map<string, Value> {
  let found = maps.get(name);
  if (found === undefined) maps.set(name, found = new Map());
  return found;
}
