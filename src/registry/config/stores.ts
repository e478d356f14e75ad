/**
 * The `[stores.<id>]` sections.
 *
 * @module
 */

import { show } from "../../base/text.ts";
import type { MemoryStoreConfig, RedisStoreConfig, StoreConfig } from "../options.ts";
import { defined } from "./defined.ts";
import { FAILURE_KEYS, readFailure } from "./failure.ts";
import { type FileReader, UnreadableFile } from "./files.ts";
import type { Section } from "./section.ts";

const ENGINES = ["memory", "redis"] as const;

type Engine = (typeof ENGINES)[number];

/** Options that name files. */
const PEM_FILES = ["tls_ca_file", "tls_cert_file", "tls_key_file"] as const;

type PemFile = typeof PEM_FILES[number];

/** No path that is meant is longer; a key without line breaks is. */
const MAX_PATH = 160;

/** The options that each engine knows, besides `engine`. */
const KEYS: Readonly<Record<Engine, readonly string[]>> = {
  memory: ["max_keys", "check_states"],
  redis: [
    "url",
    "token",
    "sentinels",
    "master_name",
    "sentinel_username",
    "sentinel_password",
    "cluster",
    "db",
    "username",
    "password",
    "tls_ca_file",
    "tls_cert_file",
    "tls_key_file",
    "tls_key_passphrase",
    "tls_server_name",
    "tls_insecure",
    "key_prefix",
    "pool_min_size",
    "pool_max_size",
    "socket_timeout",
    "socket_connect_timeout",
    "timing_margin_ms",
    "max_queued",
    ...FAILURE_KEYS,
  ],
};

/**
 * Reads one store. A Redis store without address, `url = ""` once variables are filled in, is a memory store: so one
 * file serves a laptop and a fleet. Where the environment decides between the two, options of both are allowed, all
 * are checked, and those of the other one are not used.
 *
 * @param section The store's table.
 * @param readFile Reads the PEM files that it names. Those of a store that is a memory store are not read.
 * @returns The store.
 * @throws {ConfigError} If an option is unknown or of the wrong type, or a file cannot be read.
 */
export async function readStore(section: Section, readFile: FileReader): Promise<StoreConfig> {
  const named = section.choice("engine", ENGINES);
  const url = section.text("url");
  const isMany = section.has("cluster") || section.has("sentinels");
  section.allowOnly(["engine", ...keysOf(section, named ?? (isMany ? "redis" : undefined), url)]);
  if (named === undefined && url === undefined && !isMany) {
    section.fail("engine", '"memory" or "redis", or a url beside it');
  }
  if (url !== undefined) checkUrl(section, url);
  const memory = readMemory(section);
  const redis = readRedis(section);
  for (const key of PEM_FILES) checkPath(section, key);
  if (url === "" && isMany) section.fail("url", "one of url, sentinels and cluster");
  if (named === "memory") return { engine: "memory", ...memory };
  if (url === "") return insteadOfRedis({ engine: "memory", ...memory });
  if (url === undefined && !isMany) section.fail("url", "a URL such as redis://localhost:6379/0");
  return { engine: "redis", ...defined({ url }), ...redis, ...await readPemFiles(section, readFile) };
}

/** Memory stores that stand in for a Redis without address. */
const standIns = new WeakSet<StoreConfig>();

function insteadOfRedis(config: MemoryStoreConfig): MemoryStoreConfig {
  standIns.add(config);
  return config;
}

/** Whether a store that was read is a memory store because its `url` is empty. */
export function isInsteadOfRedis(config: StoreConfig): boolean {
  return standIns.has(config);
}

function keysOf(
  section: Section,
  named: Engine | undefined,
  url: string | undefined,
): readonly string[] {
  const isDecidedOutside = section.isFromEnvironment("engine") || section.isFromEnvironment("url");
  const engine = named ?? (url === undefined ? undefined : "redis");
  if (engine === undefined || isDecidedOutside || (engine === "redis" && url === "")) {
    return [...KEYS.redis, ...KEYS.memory];
  }
  return KEYS[engine];
}

function checkUrl(section: Section, url: string): void {
  if (url !== "" && !/^\s*(?:https?|unix|(?:redis|valkey)(?:s|s?\+\w+)?):\/\//i.test(url)) {
    section.fail("url", "a URL that begins with redis:// or rediss://, or https:// for a REST endpoint");
  }
  if (section.isFromEnvironment("url") && /\$\{\w/.test(url)) {
    section.fail(
      "url",
      "a variable whose own value holds no ${...}: values are not expanded again",
    );
  }
}

function readMemory(section: Section): Omit<MemoryStoreConfig, "engine"> {
  return defined({
    maxKeys: section.number("max_keys", { whole: true, min: 1 }),
    checkStates: section.boolean("check_states"),
  });
}

function readRedis(section: Section): Omit<RedisStoreConfig, "engine" | "url"> {
  return defined({
    sentinels: section.texts("sentinels"),
    masterName: section.text("master_name"),
    sentinelUsername: section.text("sentinel_username") || undefined,
    sentinelPassword: section.text("sentinel_password"),
    cluster: section.texts("cluster"),
    db: section.number("db", { whole: true, min: 0 }),
    username: section.text("username") || undefined,
    password: section.text("password"),
    token: section.text("token") || undefined,
    tlsKeyPassphrase: section.text("tls_key_passphrase"),
    tlsServerName: section.text("tls_server_name"),
    tlsInsecure: section.boolean("tls_insecure"),
    keyPrefix: section.text("key_prefix", { nonEmpty: true }),
    poolMinSize: section.number("pool_min_size", { whole: true, min: 1 }),
    poolMaxSize: section.number("pool_max_size", { whole: true, min: 1 }),
    socketTimeoutMs: section.durationMs("socket_timeout", { positive: true }),
    socketConnectTimeoutMs: section.durationMs("socket_connect_timeout", { positive: true }),
    timingMarginMs: section.number("timing_margin_ms", { min: 0 }),
    maxQueued: section.number("max_queued", { whole: true, min: 1 }),
    ...readFailure(section),
  });
}

/** What stands in place of a path may be the key itself, so that it is not shown. */
function checkPath(section: Section, key: PemFile): void {
  const path = section.text(key);
  if (path === undefined) return;
  if (path.length <= MAX_PATH && !/-----BEGIN|[\r\n]/.test(path)) return;
  section.fail(key, `the path of a PEM file, of at most ${MAX_PATH} characters`, "another text (not shown)");
}

async function readPemFiles(
  section: Section,
  readFile: FileReader,
): Promise<Pick<RedisStoreConfig, "tlsCa" | "tlsCert" | "tlsKey">> {
  const read = async (key: PemFile): Promise<string | undefined> => {
    const path = section.text(key);
    if (path === undefined || path === "") return undefined;
    try {
      return await readFile(path);
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      section.fail(key, "a PEM file that can be read", `${show(path, MAX_PATH)} (${error.reason})`);
    }
  };
  return defined({
    tlsCa: await read("tls_ca_file"),
    tlsCert: await read("tls_cert_file"),
    tlsKey: await read("tls_key_file"),
  });
}
