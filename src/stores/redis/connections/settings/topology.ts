/**
 * Where a Redis store is: one server, the primary that Sentinels tell of, or a cluster.
 *
 * @module
 */

import { ConfigError } from "../../../../base/errors.ts";
import { show } from "../../../../base/text.ts";
import type { RedisStoreOptions } from "../../options.ts";
import { type Endpoint, readEndpoint } from "./url.ts";

/** How many servers there are, and who knows them. */
export type Topology =
  | { readonly kind: "single" }
  | { readonly kind: "sentinel"; readonly sentinels: readonly Endpoint[]; readonly masterName: string }
  | {
    readonly kind: "cluster";
    readonly seeds: readonly Endpoint[];
    /** `host:port` as the cluster names a node, to `host:port` as it is reached from here. */
    readonly addresses: Readonly<Record<string, string>>;
  };

/** A place: the address, the credentials there, and its name. */
export interface Place {
  /** Of one server, where it is. Of others, what is the same for all servers; host and port mean nothing. */
  readonly endpoint: Endpoint;
  /** Which servers there are. */
  readonly topology: Topology;
}

/** The options that say where. */
type PlaceOptions = Pick<
  RedisStoreOptions,
  | "url"
  | "db"
  | "username"
  | "password"
  | "sentinels"
  | "masterName"
  | "sentinelUsername"
  | "sentinelPassword"
  | "cluster"
  | "clusterNodeAddresses"
>;

interface Lists {
  readonly kind: "sentinel" | "cluster";
  /** URLs of one server each, and what an error calls them. */
  readonly urls: readonly (readonly [url: string, path: string])[];
  readonly masterName?: string | undefined;
  readonly db?: number | undefined;
  /** A URL that holds scheme, user and password of the servers themselves; without a host. */
  readonly own?: string | undefined;
}

const SENTINEL_PORT = 26_379;
const COMBINED = /^(redis|valkey)(s)?\+(sentinel|cluster):\/\/(?:([^/?#]*)@)?([^/?#@]*)([^]*)$/i;
const FORMS = {
  sentinel: "redis+sentinel://[[user]:password@]host[:port],host[:port].../master name[/db]",
  cluster: "redis+cluster://[[user]:password@]host[:port],host[:port]...",
} as const;

/**
 * Reads where the store is.
 *
 * @param options The store's options.
 * @throws {ConfigError} If an option cannot be used, or two contradict each other. No message holds a password.
 */
export function readTopology(options: PlaceOptions): Place {
  const { url, sentinels, cluster } = options;
  const given = Object.entries({ url, sentinels, cluster }).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    const names = given.map(([name]) => name);
    fail(names[1] as string, "one of url, sentinels and cluster", `${names.join(" and ")}`);
  }
  const lists = sentinels !== undefined
    ? { kind: "sentinel", urls: readUrls("sentinels", sentinels) } as const
    : cluster !== undefined
    ? { kind: "cluster", urls: readUrls("cluster", cluster) } as const
    : readCombined(url);
  if (lists?.kind !== "sentinel") {
    forbid(options, ["masterName", "sentinelUsername", "sentinelPassword"], "sentinels");
  }
  if (lists?.kind !== "cluster") forbid(options, ["clusterNodeAddresses"], "cluster");
  if (lists === undefined) return { endpoint: readEndpoint(options), topology: { kind: "single" } };
  return lists.kind === "sentinel" ? readSentinels(options, lists) : readCluster(options, lists);
}

function readSentinels(options: PlaceOptions, lists: Lists): Place {
  const { db, username, password, sentinelUsername, sentinelPassword } = options;
  const sentinels = lists.urls.map(([url, path]) =>
    within({ url: path, username: "sentinelUsername", password: "sentinelPassword" }, () => {
      const read = readEndpoint({
        url,
        ...(sentinelUsername === undefined ? {} : { username: sentinelUsername }),
        ...(sentinelPassword === undefined ? {} : { password: sentinelPassword }),
      }, SENTINEL_PORT);
      if (read.db !== 0) fail("url", "no database: Sentinels have none", String(read.db));
      if (read.socketPath !== undefined) fail("url", "a Sentinel, which has a host", "the path of a socket");
      return Object.freeze({ ...named(read), isSentinel: true });
    })
  );
  const tls = sameTls(sentinels, "sentinels");
  const masterName = lists.masterName ?? options.masterName;
  if (typeof masterName !== "string" || masterName === "" || /\s/.test(masterName)) {
    fail("masterName", "the name by which the Sentinels know the primary, such as mymaster", show(masterName));
  }
  if (options.masterName !== undefined && options.masterName !== masterName) {
    fail("masterName", `${show(masterName)}, as the url says, or none`, show(options.masterName));
  }
  if (lists.db !== undefined && db !== undefined && db !== lists.db) {
    fail("db", `${lists.db}, as the url says, or none`, show(db));
  }
  const own = readEndpoint({
    url: lists.own ?? `${tls ? "rediss" : "redis"}://primary`,
    db: lists.db ?? db ?? 0,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  });
  const label = `redis${tls ? "s" : ""}+sentinel://${hosts(sentinels)}/${masterName}/${own.db}`;
  return {
    endpoint: Object.freeze({ ...own, label }),
    topology: Object.freeze({ kind: "sentinel", sentinels, masterName }),
  };
}

function readCluster(options: PlaceOptions, lists: Lists): Place {
  const { db = 0, username, password, clusterNodeAddresses = {} } = options;
  if (db !== 0) fail("db", "0 or none: a cluster has no other database", show(db));
  const seeds = lists.urls.map(([url, path]) =>
    within({ url: path }, () => {
      const read = readEndpoint({
        url,
        ...(username === undefined ? {} : { username }),
        ...(password === undefined ? {} : { password }),
      });
      if (read.db !== 0) fail("url", "database 0 or none: a cluster has no other", String(read.db));
      if (read.socketPath !== undefined) fail("url", "a node of a cluster, which has a host", "the path of a socket");
      return named(read);
    })
  );
  const tls = sameTls(seeds, "cluster");
  const [first] = seeds as [Endpoint];
  const other = seeds.findIndex((seed) => seed.username !== first.username || seed.password !== first.password);
  if (other > 0) fail(`cluster[${other}]`, "the user and password of cluster[0]: all nodes have the same", "others");
  for (const address of Object.entries(clusterNodeAddresses).flat()) {
    if (typeof address !== "string" || !/^.+:\d+$/.test(address)) {
      fail(
        "clusterNodeAddresses",
        'host:port to host:port, such as { "10.0.0.5:6379": "localhost:7001" }',
        show(address),
      );
    }
  }
  const label = `redis${tls ? "s" : ""}+cluster://${hosts(seeds)}`;
  return {
    endpoint: Object.freeze({ ...first, label }),
    topology: Object.freeze({ kind: "cluster", seeds, addresses: clusterNodeAddresses }),
  };
}

/** Reads `redis+sentinel://...` and `redis+cluster://...`, which no URL parser takes: they have several hosts. */
function readCombined(url: unknown): Lists | undefined {
  const [, name, s = "", kindText, userInfo, hostText, rest = ""] = COMBINED.exec(String(url).trim()) ?? [];
  if (name === undefined || kindText === undefined || hostText === undefined) return undefined;
  const kind = kindText.toLowerCase() as Lists["kind"];
  const refuse = (received: string) => fail("url", FORMS[kind], received);
  const scheme = `${name}${s}`;
  const begin = userInfo === undefined ? `${scheme}://` : `${scheme}://${userInfo}@`;
  const [, path = "", query = ""] = /^([^?#]*)(\?[^#@]*)?$/.exec(rest) ?? refuse("a URL with a # or a second @");
  if (/[?&](?:db|database|user(?:name)?|password)=/.test(query)) refuse("a query that belongs in front of it");
  const [, master = "", db, ...others] = path.split("/");
  const hostList = hostText.split(",");
  if (others.length > 0) refuse("a longer path");
  if (hostList.includes("")) refuse("a host without a name");
  if (kind === "cluster") {
    if (db !== undefined || !["", "0"].includes(master)) refuse("a path");
    return { kind, urls: hostList.map((host) => [`${begin}${host}${query}`, "url"]) };
  }
  if (db !== undefined && !/^\d{1,9}$/.test(db)) refuse("a database that is not a number");
  return {
    kind,
    urls: hostList.map((host) => [`${scheme}://${host}${query}`, "url"]),
    own: `${begin}primary${query}`,
    ...(master === "" ? {} : { masterName: decodeName(master) }),
    ...(db === undefined ? {} : { db: Number(db) }),
  };
}

function decodeName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    fail("url", FORMS.sentinel, "a name that is not percent-encoded");
  }
}

function readUrls(path: "sentinels" | "cluster", value: unknown): Lists["urls"] {
  if (!Array.isArray(value) || value.length === 0) {
    fail(
      path,
      "an array of URLs, one or more",
      Array.isArray(value) ? "an empty one" : `a value of type ${typeof value}`,
    );
  }
  return value.map((url: string, i) => [url, `${path}[${i}]`]);
}

function forbid(options: PlaceOptions, names: readonly (keyof PlaceOptions)[], wanted: string): void {
  for (const name of names) {
    const value = options[name];
    if (value !== undefined && value !== "") fail(name, `${wanted} beside it, or no ${name}`, "it alone");
  }
}

/** Reads one server, whose options may have other names than those of Redis itself. */
function within<T>(names: Readonly<Record<string, string>>, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const path = error instanceof ConfigError ? names[error.path] : undefined;
    if (!(error instanceof ConfigError) || path === undefined) throw error;
    const { expected, received } = error;
    throw new ConfigError({ path, expected, received });
  }
}

function sameTls(endpoints: readonly Endpoint[], path: string): boolean {
  const [first] = endpoints as [Endpoint];
  const other = endpoints.findIndex(({ tls }) => tls !== first.tls);
  if (other > 0) fail(`${path}[${other}]`, `${first.tls ? "rediss" : "redis"}://, as ${path}[0]`, "the other one");
  return first.tls;
}

/** The endpoint, with a label that names no database. */
function named(endpoint: Endpoint): Endpoint {
  return Object.freeze({ ...endpoint, label: endpoint.label.replace(/\/\d+$/, "") });
}

function hosts(endpoints: readonly Endpoint[]): string {
  return endpoints.map(({ label }) => label.replace(/^.*\/\//, "")).join(",");
}

function fail(path: string, expected: string, received: string): never {
  throw new ConfigError({ path, expected, received });
}
