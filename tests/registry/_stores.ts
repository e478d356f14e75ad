/**
 * The stores that bad input is tried on: it must meet the same errors everywhere.
 *
 * @module
 */

import type { StoreConfig } from "../../mod.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";

/** A store of every kind, each with nothing in it. */
export const STORES: readonly [engine: string, store: () => StoreConfig][] = [
  ["memory", () => ({ engine: "memory" })],
  ["Redis", () => ({ engine: "redis", url: redisUrl(), keyPrefix: freshPrefix() })],
];
