/**
 * The NATS store of `@ratesync/core`, for those who build one by hand. Configuration with `engine: "nats"` does it for
 * everyone else.
 *
 * @example A store over a URL
 * ```ts
 * import { createRateSync } from "@ratesync/core";
 * import { createNatsStore } from "@ratesync/core/nats";
 *
 * const store = createNatsStore({ url: "nats://localhost:4222" });
 * const rs = createRateSync({ stores: { shared: store }, limiters: { api: { ratePerSecond: 100 } } });
 * ```
 *
 * @example A store over a connection that is there already
 * ```ts
 * import { createNatsStore } from "@ratesync/core/nats";
 * import { connect } from "@nats-io/transport-node";
 *
 * const client = await connect({ servers: "localhost:4222", maxReconnectAttempts: -1 });
 * const store = createNatsStore({ client });
 * ```
 *
 * @module
 */

import type { StoreError } from "../../base/errors.ts";
import { rejectUnknownOptions } from "../../base/unknown_options.ts";
import { LogStore } from "../log/log_store.ts";
import { givenSource, ownSource } from "./connection/source.ts";
import { NatsStream } from "./nats_stream.ts";
import type { NatsClientStoreOptions, NatsStoreOptions } from "./options.ts";
import { isGivenNats } from "./settings/place.ts";
import { readNatsPlace, readNatsSettings } from "./settings/settings.ts";

export type {
  NatsClient,
  NatsHeaders,
  NatsMessage,
  NatsPublishOptions,
  NatsServerInfo,
  NatsStatus,
  NatsSubscription,
} from "./connection/client.ts";
export { type NatsFromEnv, natsFromEnv } from "./from_env.ts";
export type { NatsClientStoreOptions, NatsStoreOptions, NatsStreamOptions } from "./options.ts";
export { LogStore, type LogStoreSettings } from "../log/log_store.ts";
export type { LogLimits, LogMessage, LogReader, LogSnapshot, LogState, LogStream } from "../log/stream.ts";
export type { Credential } from "../credentials.ts";
export type { Board, BoardPost } from "../board.ts";
export type { StoreCheck, StoreFindings, StoreProblem, StoreProblemKind } from "../check.ts";
export type { KeySample, RulesInUse, ServerFacts, StoreInspection } from "../inspection.ts";
export type * from "../store.ts";

/** What a store may be given beside its options. */
export interface NatsStoreExtras {
  /**
   * Called with what goes wrong in the background, such as a lost connection; with `true` if limits are weaker because of
   * it, although no call fails: counted units were lost. Must not throw.
   */
  readonly onError?: (error: StoreError, isWeaker?: boolean) => void;
}

/**
 * A store over a URL, or over a connection that is there already. Nothing is connected before the first use, or
 * `connect()`. A connection that was given stays open when the store is closed.
 *
 * @param options Where NATS is, or the connection, and how to use it.
 * @param extras A listener for lost connections.
 * @throws {ConfigError} If the URL, the connection or an option cannot be used, or not one of URL and connection is given.
 */
export function createNatsStore(
  options: NatsStoreOptions | NatsClientStoreOptions,
  extras: NatsStoreExtras = {},
): LogStore {
  rejectUnknownOptions(extras, ["onError"], "extras.");
  const { onError = () => {} } = extras;
  const settings = readNatsSettings(options);
  const source = isGivenNats(options)
    ? givenSource(options.client)
    : ownSource(readNatsPlace(options), settings.socketConnectTimeoutMs);
  const { shards, maxQueued } = options;
  return new LogStore(new NatsStream(source, settings, onError), {
    answerTimeoutMs: settings.socketTimeoutMs,
    onError,
    ...(shards === undefined ? {} : { shards }),
    ...(maxQueued === undefined ? {} : { maxQueued }),
  });
}
