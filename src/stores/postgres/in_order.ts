/**
 * Calls with a key in common run one after the other: over several connections they would reach the server in any order.
 *
 * @module
 */

/** The calls that are under way, by key. */
export class InOrder {
  readonly #last = new Map<string, Promise<unknown>>();

  /**
   * Runs a call once those before it that share one of its keys have ended.
   *
   * @param keys Its keys.
   * @param run The call.
   */
  async run<Result>(keys: readonly string[], run: () => Promise<Result>): Promise<Result> {
    const before = new Set<Promise<unknown>>();
    for (const key of keys) {
      const last = this.#last.get(key);
      if (last !== undefined) before.add(last);
    }
    const running = before.size === 0 ? run() : Promise.all(before).then(run);
    const ended: Promise<unknown> = running.then(() => {}, () => {});
    for (const key of keys) this.#last.set(key, ended);
    try {
      return await running;
    } finally {
      for (const key of keys) if (this.#last.get(key) === ended) this.#last.delete(key);
    }
  }
}
