/**
 * Configuration files for the program, each with limiters on a real server: Redis, a Cluster, Sentinels, REST, PostgreSQL, NATS.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { dropSchema, freshSchema, postgresUrl } from "../_support/postgres.ts";
import { openRawRedis } from "../_support/raw_redis.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { startRestRedis, TOKEN } from "../_support/rest_redis.ts";
import { anyNats, freshStreamPrefix } from "../stores/nats/_nats.ts";
import { startCluster, startSentinels } from "../stores/redis/_topologies.ts";

/** A place whose limits the program operates. */
export interface Place extends AsyncDisposable {
  /** The lines of its store in TOML: nothing else is kept under its prefix. */
  readonly store: string;
}

/** The password at the first of them. */
export const PASSWORD = "correct-horse-battery";

/** Starts what each place needs. */
export const PLACES: Readonly<Record<string, () => Promise<Place>>> = {
  "a Redis": async () => {
    const [raw, user, url] = [await openRawRedis(), freshPrefix(), new URL(redisUrl())];
    await raw.send("ACL", "SETUSER", user, "on", `>${PASSWORD}`, "~*", "&*", "+@all");
    [url.username, url.password] = [user, PASSWORD];
    return {
      store: `url = "${url}"\n${keyPrefix()}`,
      [Symbol.asyncDispose]: async () => {
        await raw.send("ACL", "DELUSER", user);
        await raw.close();
      },
    };
  },
  "a Redis Cluster": async () => {
    const cluster = await startCluster();
    return {
      store: `cluster = ${list(cluster.urls)}\n${keyPrefix()}`,
      [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
    };
  },
  "Redis behind Sentinels": async () => {
    const sentinels = await startSentinels();
    return {
      store: `sentinels = ${list(sentinels.urls)}\nmaster_name = "${sentinels.masterName}"\n${keyPrefix()}`,
      [Symbol.asyncDispose]: () => sentinels[Symbol.asyncDispose](),
    };
  },
  "Redis over REST": async () => {
    const rest = await startRestRedis();
    return {
      store: `url = "${rest.url}"\ntoken = "${TOKEN}"\n${keyPrefix()}`,
      [Symbol.asyncDispose]: () => rest[Symbol.asyncDispose](),
    };
  },
  "PostgreSQL": () => {
    const [url, schema] = [postgresUrl(), freshSchema()];
    return Promise.resolve({
      store: `url = "${url}"\nschema = "${schema}"`,
      [Symbol.asyncDispose]: () => dropSchema(schema),
    });
  },
  "NATS": async () => {
    const nats = await anyNats();
    return {
      store: `url = "${nats.url}"\nstream_prefix = "${freshStreamPrefix()}"`,
      [Symbol.asyncDispose]: () => nats[Symbol.asyncDispose](),
    };
  },
};

/** A configuration file in a folder of its own, which is removed with it. */
export class ConfigFile implements Disposable {
  /** The path of the file. */
  readonly path: string;
  readonly #folder: TemporaryFolder = new TemporaryFolder("cli");

  /**
   * @param text What the file says.
   */
  constructor(text: string) {
    this.path = join(this.#folder.path, "rate-sync.toml");
    writeFileSync(this.path, text);
  }

  /** Removes it. */
  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

const keyPrefix = () => `key_prefix = "${freshPrefix()}"`;

function list(urls: readonly string[]): string {
  return JSON.stringify(urls);
}
