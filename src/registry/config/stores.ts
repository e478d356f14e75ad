/**
 * The `[stores.<id>]` sections.
 *
 * @module
 */

import { listWords } from "../../base/text.ts";
import { engineAt } from "../engine_at.ts";
import { EMBEDDED, ENGINE_NAMES, ENGINES, optionsOf, type StoreConfig } from "../engines.ts";
import type { FileReader } from "./files.ts";
import { keysOfTable, readFiles, readOptions } from "./read_options.ts";
import type { Section } from "./section.ts";

/** The engines, with all of their options. Those of stores outside this process come first. */
const KINDS = ENGINE_NAMES
  .map((name) => ({ name, remote: ENGINES[name].remote, options: optionsOf(ENGINES[name]) }))
  .sort((a, b) => Number(a.remote === undefined) - Number(b.remote === undefined));

type Kind = typeof KINDS[number];

/**
 * Reads one store. A store without address, `url = ""` once variables are filled in, is the embedded store: so one file
 * serves a laptop and a fleet. Where the environment decides between engines, options of all are allowed, all are
 * checked, and those of the others are not used.
 *
 * @param section The store's table.
 * @param readFile Reads the files that it names, unless it is the embedded store.
 * @returns The store.
 * @throws {ConfigError} If an option is unknown or of the wrong type, or a file cannot be read.
 */
export async function readStore(section: Section, readFile: FileReader): Promise<StoreConfig> {
  const named = section.choice("engine", ENGINE_NAMES);
  const url = section.text("url");
  const listed = KINDS.find(({ remote }) => remote?.otherPlaces.some((key) => section.has(key)));
  const kind = KINDS.find(({ name }) => name === named) ?? listed ?? kindOfUrl(url);
  section.allowOnly(["engine", ...keysFor(section, kind, url)]);
  if (url !== undefined) checkUrl(section, url, kind);
  if (kind === undefined) section.fail("engine", `${listWords(ENGINE_NAMES)}, or a url beside it`);
  const values = new Map(KINDS.map((each) => [each.name, readOptions(section, each.options)]));
  if (url === "" && listed?.remote !== undefined) {
    const places = ["url", ...listed.remote.otherPlaces].join(", ").replace(/, ([^,]*)$/, " and $1");
    section.fail("url", `one of ${places}`);
  }
  const config = (name: Kind["name"]) => ({ engine: name, ...values.get(name) }) as StoreConfig;
  if (kind.remote === undefined) return config(kind.name);
  if (url === "") return inPlaceOf(kind.remote.title, config(EMBEDDED.engine));
  if (url === undefined && listed === undefined) section.fail("url", `a URL such as ${kind.remote.urlExample}`);
  return { ...config(kind.name), ...await readFiles(section, kind.options, readFile) };
}

/** The embedded stores that stand in for another one without address, and what that one is called. */
const replaced = new WeakMap<StoreConfig, string>();

function inPlaceOf(title: string, config: StoreConfig): StoreConfig {
  replaced.set(config, title);
  return config;
}

/** What a store that was read stands in for because its `url` is empty; undefined if it does not. */
export function replacedBy(config: StoreConfig): string | undefined {
  return replaced.get(config);
}

/** An empty URL may become one of any engine. */
function kindOfUrl(url: string | undefined): Kind | undefined {
  return url === "" ? KINDS[0] : KINDS.find(({ name }) => name === engineAt({ url }));
}

function keysFor(section: Section, kind: Kind | undefined, url: string | undefined): string[] {
  const isDecidedOutside = section.isFromEnvironment("engine") || section.isFromEnvironment("url");
  const isOpen = kind === undefined || isDecidedOutside || (kind.remote !== undefined && url === "");
  return [...new Set((isOpen ? KINDS : [kind]).flatMap(({ options }) => keysOfTable(options)))];
}

function checkUrl(section: Section, url: string, kind: Kind | undefined): void {
  const remotes = kind?.remote === undefined ? KINDS.flatMap(({ remote }) => remote ?? []) : [kind.remote];
  if (url !== "" && !remotes.some(({ urls }) => urls.test(url))) {
    section.fail("url", `a URL that begins with ${remotes.map(({ urlStart }) => urlStart).join("; or ")}`);
  }
  if (section.isFromEnvironment("url") && /\$\{\w/.test(url)) {
    section.fail(
      "url",
      "a variable whose own value holds no ${...}: values are not expanded again",
    );
  }
}
