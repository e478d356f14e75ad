/**
 * Redis stores, as configuration knows them.
 *
 * @module
 */

import type { Engine } from "../engine.ts";
import { placeOf, REDIS_OPTIONS } from "./connections/place.ts";
import type { RedisClientStoreConfig, RedisStoreConfig } from "./options.ts";

/** The row of Redis stores. */
export const redisEngine: Engine<RedisStoreConfig | RedisClientStoreConfig> = {
  options: () => REDIS_OPTIONS,
  remote: {
    title: "Redis",
    urls: /^\s*(?:https?|unix|(?:redis|valkey)(?:s|s?\+\w+)?):\/\//i,
    urlStart: "redis:// or rediss://, or https:// for a REST endpoint",
    urlExample: "redis://localhost:6379/0",
    otherPlaces: ["sentinels", "cluster"],
    // The scripts know nothing but the rules of the call.
    changesCounts: false,
  },
  describe: (config) => placeOf(config),
  open: async (config, context) => await (await import("./open.ts")).openRedis(config, context),
};
