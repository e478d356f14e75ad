/**
 * NATS stores, as configuration knows them.
 *
 * @module
 */

import type { Engine } from "../engine.ts";
import type { NatsClientStoreConfig, NatsStoreConfig } from "./options.ts";
import { NATS_OPTIONS, natsPlaceOf } from "./settings/place.ts";

/** The row of NATS stores. */
export const natsEngine: Engine<NatsStoreConfig | NatsClientStoreConfig> = {
  options: () => NATS_OPTIONS,
  remote: {
    title: "NATS",
    urls: /^\s*(?:nats|tls):\/\//i,
    urlStart: "nats:// or tls://",
    urlExample: "nats://localhost:4222",
    otherPlaces: [],
    // Processes with old and new rules take turns in the stream, and each turn would change the counts again.
    changesCounts: false,
  },
  describe: (config) => natsPlaceOf(config),
  open: async (config, context) => await (await import("./open.ts")).openNatsStore(config, context),
};
