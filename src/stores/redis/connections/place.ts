/**
 * Where a Redis store is, of whichever kind its options are: checked, before anything is loaded that connects to it.
 *
 * @module
 */

import { ConfigError } from "../../../base/errors.ts";
import { checkRedisOptions } from "../option_table.ts";
import type { RedisClientStoreOptions, RedisStoreOptions } from "../options.ts";
import { type KnownClient, labelOf, recognise } from "./clients/recognise.ts";
import { isRestUrl, readRest } from "./rest/settings.ts";
import { type ConnectionSettings, readSettings } from "./settings/settings.ts";
import { URL_FORM } from "./settings/url_text.ts";

export { REDIS_OPTIONS } from "../option_table.ts";

/** A given client, and how to use it. */
export interface Given {
  /** The client. */
  readonly known: KnownClient;
  /** How to use it. */
  readonly settings: ConnectionSettings;
}

/**
 * Whether options hold a client.
 *
 * @throws {ConfigError} If they hold both a place and a client, or neither.
 */
export function isGiven(options: RedisStoreOptions | RedisClientStoreOptions): options is RedisClientStoreOptions {
  const { url, sentinels, cluster, client } = options as Partial<RedisStoreOptions & RedisClientStoreOptions>;
  const isPlaced = [url, sentinels, cluster].some((place) => place !== undefined);
  if (isPlaced && client !== undefined) {
    throw new ConfigError({ path: "client", expected: "a url or a client, not both", received: "both" });
  }
  if (!isPlaced && client === undefined) {
    const expected = `a url, or a client in its place: ${URL_FORM}`;
    throw new ConfigError({ path: "url", expected, received: "neither" });
  }
  return client !== undefined;
}

/**
 * Checks the options of a store over a given client.
 *
 * @throws {ConfigError} If the client is of no known kind, or an option cannot be used.
 */
export function readGiven(options: RedisClientStoreOptions): Given {
  checkRedisOptions(options, (row) => row.client);
  const known = recognise(options.client);
  const { client: _, ...rest } = options;
  const settings = readSettings({ ...rest, url: "redis://given", poolMinSize: 1 });
  return { known, settings: { ...settings, endpoint: { ...settings.endpoint, label: labelOf(known) } } };
}

/**
 * Checks the options of a Redis store, and tells where it is, without credentials.
 *
 * @throws {ConfigError} If they cannot be used.
 */
export function placeOf(options: RedisStoreOptions | RedisClientStoreOptions): string {
  if (isGiven(options)) return readGiven(options).settings.endpoint.label;
  return isRestUrl(options.url) ? readRest(options).endpoint.label : readSettings(options).endpoint.label;
}
