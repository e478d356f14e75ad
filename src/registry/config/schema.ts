/**
 * From a document to a configuration, strictly: what is not known is an error.
 *
 * @module
 */

import { show } from "../../base/text.ts";
import type { LimiterOptions } from "../../policy/options.ts";
import type { StoreConfig } from "../engines.ts";
import type { HttpConfig, RateSyncConfig } from "../options.ts";
import { checkSection } from "./check.ts";
import { configError, type Table } from "./document.ts";
import { readLimiter } from "./limiters.ts";
import type { FileReader } from "./files.ts";
import { Section } from "./section.ts";
import { readStore } from "./stores.ts";

/** What others know about options, asked for each store and limiter. A check throws a `ConfigError`. */
export interface ConfigChecks {
  /** Checks the options of a limiter; a path in its error is relative to them: `ratePerSecond`, `limits[0].limit`. */
  readonly checkLimiter?: (id: string, options: LimiterOptions) => void;
  /** Checks the options of a store; a path in its error is relative to them: `poolMinSize`. */
  readonly checkStore?: (id: string, options: StoreConfig) => void;
}

const SECTIONS: readonly string[] = ["stores", "limiters", "http", "fastapi"];

/** Where proxies are listed; the second name is the one of rate-sync for Python. */
const HTTP_SECTIONS: readonly string[] = ["http", "fastapi"];

/**
 * Translates a document.
 *
 * @param document The document, with its variables filled in.
 * @param readFile Reads the files that it names.
 * @param checks What else to ask of each store and limiter.
 * @returns The configuration, complete.
 * @throws {ConfigError} If anything is wrong; the first thing in the order stores, limiters, http.
 */
export async function readDocument(
  document: Table,
  readFile: FileReader,
  checks: ConfigChecks = {},
): Promise<RateSyncConfig> {
  const root = new Section(document, []);
  root.allowOnly(SECTIONS);
  if (root.keys.length === 0) {
    throw configError(
      [],
      "sections such as [stores.<id>] and [limiters.<id>]",
      "an empty document",
    );
  }
  const stores = await readNamed(root, "stores", async (section, id) => {
    const store = await readStore(section, readFile);
    checkSection(section, () => checks.checkStore?.(id, store));
    return store;
  });
  const storeIds = Object.keys(stores);
  const limiters = await readNamed(root, "limiters", (section, id) => {
    const limiter = readLimiter(section, storeIds);
    checkSection(section, () => checks.checkLimiter?.(id, limiter));
    return limiter;
  });
  return { stores, limiters, http: await readHttp(root) };
}

/** Reads every table of a section. The record has no prototype: any id is only an id. */
async function readNamed<T>(
  root: Section,
  key: string,
  read: (section: Section, id: string) => T | Promise<T>,
): Promise<Record<string, T>> {
  const named = Object.create(null) as Record<string, T>;
  const parent = root.section(key);
  for (const id of parent?.keys ?? []) {
    if (id === "") parent?.fail(id, "an id that is not empty", "an empty one");
    const section = parent?.section(id);
    if (section !== undefined) named[id] = await read(section, id);
  }
  return named;
}

async function readHttp(root: Section): Promise<HttpConfig> {
  let networks: readonly string[] | undefined;
  for (const key of HTTP_SECTIONS) {
    const section = root.section(key);
    section?.allowOnly(["trusted_proxy_networks"]);
    const listed = section?.texts("trusted_proxy_networks");
    if (listed === undefined) continue;
    const { parseNetwork } = await import("../../base/network.ts");
    const bad = listed.find((text) => parseNetwork(text) === undefined);
    if (bad !== undefined) {
      section?.fail("trusted_proxy_networks", "networks such as 10.0.0.0/8 or fc00::/7, or addresses", show(bad));
    }
    if (networks !== undefined) {
      section?.fail("trusted_proxy_networks", "either [http] or [fastapi] to have it", "both");
    }
    networks = listed;
  }
  return networks === undefined ? {} : { trustedProxyNetworks: networks };
}
