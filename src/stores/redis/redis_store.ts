/**
 * The Redis store: a batch of requests is one script call.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { StoreError } from "../../base/errors.ts";
import type { DoneReply, NoticeListener, Store, StoreRequest, TakeReply } from "../store.ts";
import type { RedisConnection } from "./connections/connection.ts";
import { decodeBatch, decodeNotice } from "./decode.ts";
import { encodeBatch, isBucket, type NamedRequest, type ScriptCall } from "./encode.ts";
import { KeyNames } from "./keys.ts";

/** How a store uses its connection. */
export interface RedisStoreSettings {
  /** What every key begins with. @default {"rate_limit"} */
  readonly keyPrefix?: string;
  /** Added to every key's time to live, in milliseconds. @default {10} */
  readonly timingMarginMs?: number;
  /** A clock that replaces the server's, for tests with virtual time. Never in production. */
  readonly testClock?: Clock;
  /** Replaces a script before it is sent, for tests that seed mistakes. */
  readonly testScript?: (call: ScriptCall) => ScriptCall;
}

/** A store in Redis. Its connection is closed with it. */
export class RedisStore implements Store {
  /** What kind of store it is. */
  readonly engine: string = "redis";
  readonly #connection: RedisConnection;
  readonly #names: KeyNames;
  readonly #settings: RedisStoreSettings;
  readonly #listeners: NoticeListener[] = [];

  /**
   * Makes one.
   *
   * @param connection The client to use.
   * @param settings How to use it.
   */
  constructor(connection: RedisConnection, settings: RedisStoreSettings = {}) {
    this.#connection = connection;
    this.#settings = settings;
    this.#names = new KeyNames(settings.keyPrefix ?? "rate_limit");
  }

  /** Runs requests in one script call; in several where only some of them can be run by the script that counts. */
  async execute(batch: readonly StoreRequest[]): Promise<readonly (TakeReply | DoneReply | StoreError)[]> {
    if (batch.length === 0) return [];
    const named = batch.map((request) => ({ request, keys: this.#names.keysOf(request.targets) }));
    for (const each of named) {
      each.keys ??= (await Promise.all(each.request.targets.map((t) => this.#names.of(t)))).flat();
    }
    const replies: (TakeReply | DoneReply | StoreError)[] = [];
    for (const part of parts(named as NamedRequest[])) replies.push(...await this.#run(part));
    return replies;
  }

  async #run(batch: readonly NamedRequest[]): Promise<(TakeReply | DoneReply | StoreError)[]> {
    const call = encodeBatch(batch, {
      names: this.#names,
      graceMs: this.#settings.timingMarginMs ?? 10,
      nowUs: this.#settings.testClock?.nowUs(),
    });
    const { script, keys, args } = this.#settings.testScript?.(call) ?? call;
    return decodeBatch(call, await this.#connection.run(script, keys, args));
  }

  /** Subscribes to the instance's channel. */
  listen(listener: NoticeListener): Promise<void> {
    this.#listeners.push(listener);
    const receive = (message: string) => {
      const notice = decodeNotice(message, (id) => listener.targetOf(id));
      if (notice !== undefined) listener.notice(notice);
    };
    return this.#connection.subscribe(this.#names.channel + listener.instance, receive, () => listener.gap());
  }

  /** Deletes every key that begins with this store's prefix, in steps. */
  async resetAll(): Promise<void> {
    await this.#connection.deleteByPrefix(this.#names.common);
    await this.#connection.deleteByPrefix(`{${this.#names.common}`);
    for (const listener of this.#listeners) listener.gap();
  }

  /** Connects. */
  connect(): Promise<void> {
    return this.#connection.connect();
  }

  /** Disconnects, after what is in flight. */
  close(): Promise<void> {
    return this.#connection.close();
  }
}

/** A batch, cut between buckets and others where a request has a count: only one script knows counts. */
function parts(batch: readonly NamedRequest[]): readonly (readonly NamedRequest[])[] {
  const hasTimes = batch.some(({ request }) => request.op === "take" && request.times !== undefined);
  if (!hasTimes || batch.every(({ request }) => isBucket(request))) return [batch];
  const cut: NamedRequest[][] = [];
  for (const [i, each] of batch.entries()) {
    const before = batch[i - 1];
    if (before === undefined || isBucket(before.request) !== isBucket(each.request)) cut.push([]);
    cut.at(-1)?.push(each);
  }
  return cut;
}
