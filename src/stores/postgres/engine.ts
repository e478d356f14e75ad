/**
 * PostgreSQL stores, as configuration knows them.
 *
 * @module
 */

import type { Engine } from "../engine.ts";
import { POSTGRES_OPTIONS, postgresPlaceOf } from "./connections/place.ts";
import type { PostgresClientStoreConfig, PostgresStoreConfig } from "./options.ts";

/** The row of PostgreSQL stores. */
export const postgresEngine: Engine<PostgresStoreConfig | PostgresClientStoreConfig> = {
  options: () => POSTGRES_OPTIONS,
  remote: {
    title: "PostgreSQL",
    urls: /^\s*postgres(?:ql)?:\/\//i,
    urlStart: "postgres://",
    urlExample: "postgres://localhost:5432/app",
    otherPlaces: [],
    changesCounts: true,
    // 36 kB of state, which each call writes to the table and to the log of the server.
    mostKept: 10_000,
  },
  describe: (config) => postgresPlaceOf(config),
  open: async (config, context) => await (await import("./open.ts")).openPostgresStore(config, context),
};
