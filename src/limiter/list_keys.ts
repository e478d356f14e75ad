/**
 * The keys of a limiter that its store holds, for operators. Nothing that decides loads this.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { hashOfKey } from "../base/short_key.ts";
import type { StoredKey } from "../stores/store.ts";
import type { Limiter } from "./limiter.ts";
import type { OpenStore } from "./open_store.ts";
import type { Decision } from "../decision/decision.ts";
import { LimiterTarget } from "./target.ts";

/**
 * The keys of a limiter for which its store holds something, in no order. Of keys whose limits are whole again some are
 * listed, until the store forgets them. A key that changes meanwhile may come twice, or not.
 *
 * @param limiter The limiter.
 * @param prefix What the keys begin with. Long keys, of which the store has only the hash, are left out where it is given.
 * @throws {ConfigError} If the store cannot list keys.
 * @throws {StoreError} If the store cannot be reached, or refuses.
 */
export async function* listKeys(limiter: Limiter, prefix = ""): AsyncGenerator<ListedKey, void, void> {
  const session = await limiter.access.client();
  const { store } = session;
  if (store.listKeys === undefined) {
    const expected = "a store that lists its keys, such as Redis";
    throw new ConfigError({
      path: `limiters.${limiter.id}.store`,
      expected,
      received: `a store of kind ${store.engine}`,
    });
  }
  const { id, policy } = limiter;
  for await (const stored of store.listKeys({ limiter: id, policy, prefix })) {
    yield new ListedKey(limiter, session, stored);
  }
}

/** A key that a store holds, and what operators do with it. */
export class ListedKey {
  /** The key; undefined for the limiter as a whole, and of a long key. */
  readonly key: string | undefined;
  /** Of a long key, all that the store knows: 64 hexadecimal digits of its SHA-256. Else undefined. */
  readonly hash: string | undefined;
  readonly #limiter: Limiter;
  readonly #session: OpenStore;
  readonly #stored: StoredKey;

  constructor(limiter: Limiter, session: OpenStore, stored: StoredKey) {
    const { key, isHash } = stored;
    this.key = isHash ? undefined : key;
    this.hash = isHash ? hashOfKey(key ?? "") : undefined;
    this.#limiter = limiter;
    this.#session = session;
    this.#stored = stored;
  }

  /** What `tryAcquire` would decide. Takes and writes nothing. */
  async peek(): Promise<Decision> {
    return await this.#session.verbs.peek(this.#session, this.#limiter.access, [this.#target()]);
  }

  /** Resets the key: see `Limiter.reset`. */
  async reset(): Promise<void> {
    await this.#session.correct({ op: "reset", targets: [this.#target()] });
  }

  #target(): LimiterTarget {
    const { key, isHash } = this.#stored;
    const plain = this.#limiter.target(isHash || key === undefined ? {} : { key });
    return isHash ? new HashedTarget(plain.limiter, key, plain.policy, plain.cost, plain.recorder, undefined) : plain;
  }
}

/** A long key, by its hash. */
class HashedTarget extends LimiterTarget {
  readonly isHash = true;
}
