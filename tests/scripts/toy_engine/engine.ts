/**
 * Toy stores, as configuration knows them.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { checkOptions } from "../../base/option_table.ts";
import type { Engine } from "../engine.ts";
import { TOY_OPTIONS, type ToyStoreConfig } from "./options.ts";

/** The row of toy stores. */
export const toyEngine: Engine<ToyStoreConfig> = {
  options: () => TOY_OPTIONS,
  remote: {
    title: "Toy",
    urls: /^toy:\/\//,
    urlStart: "toy://",
    urlExample: "toy://localhost",
    otherPlaces: ["hosts"],
    changesCounts: false,
  },
  describe(config) {
    checkOptions(config, TOY_OPTIONS);
    const host = hostOf(config);
    if (host === undefined) throw new ConfigError({ path: "url", expected: "toy://host", received: "none" });
    return `toy://${host}`;
  },
  async open(config) {
    const { ToyStore } = await import("./store.ts");
    return new ToyStore(hostOf(config) as string);
  },
};

function hostOf({ url, hosts, pool }: ToyStoreConfig): string | undefined {
  return pool?.host ?? hosts?.[0] ?? (url === undefined ? undefined : new URL(url).host);
}
