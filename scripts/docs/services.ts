/**
 * The real services behind the names that code blocks use, and which name stands for which.
 *
 * @module
 */

import { once } from "node:events";
import { createServer } from "node:http";
import { mkdirSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";

import { freePort } from "../_free_port.ts";
import { Authority } from "../../tests/stores/redis/_certificates.ts";
import { startRedis } from "../../tests/stores/redis/_servers.ts";
import { startRestRedis, TOKEN } from "../../tests/_support/rest_redis.ts";
import { tool } from "../_process.ts";
import { startNats } from "../nats/server.ts";
import { startServer } from "../package/visits.ts";
import { obtainPostgres } from "../postgres/obtain.ts";
import { obtainRedis } from "../redis/obtain.ts";

const LISTENS = /^Listening on http:\/\/127\.0\.0\.1:(\d+)/;

/** What runs while the blocks do. */
export interface Services extends AsyncDisposable {
  /** A Redis whose data may be thrown away. */
  readonly redisUrl: string;
  /** Another one, over TLS; `certs/` of the folder has its authority. */
  readonly tlsRedisUrl: string;
  /** A PostgreSQL whose data may be thrown away. */
  readonly postgresUrl: string;
  /** A NATS server with JetStream whose data may be thrown away. */
  readonly natsUrl: string;
  /** A web server that answers everything with JSON. */
  readonly webUrl: string;
  /** The server of `npm start`. */
  readonly startUrl: string;
  /** Variables of the environment for blocks that read it. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Starts all services. Certificates are put into `certs/` of the folder. */
export async function startServices(folder: string): Promise<Services> {
  const closers: (() => unknown)[] = [];
  const close = async () => {
    for (const stop of closers.splice(0).reverse()) await stop();
  };
  try {
    const redis = await obtainRedis();
    closers.push(() => redis.stop());
    const postgres = await obtainPostgres();
    closers.push(() => postgres.stop());
    const nats = await startNats();
    closers.push(() => nats[Symbol.asyncDispose]());
    const rest = await startRestRedis(redis.url);
    closers.push(() => rest[Symbol.asyncDispose]());
    const tlsRedis = await startTlsRedis(folder);
    closers.push(() => tlsRedis.stop());
    const web = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end(`{"ok":true}`);
    }).listen(0, "127.0.0.1");
    await once(web, "listening");
    closers.push(() => (web.closeAllConnections(), web.close()));
    const env = { ...process.env, PORT: String(await freePort()), REDIS_URL: "" };
    const start = await startServer(tool("node"), ["scripts/bootstrap.mjs", "start"], { env }, LISTENS);
    closers.push(() => start[Symbol.asyncDispose]());
    return {
      redisUrl: redis.url,
      tlsRedisUrl: `rediss://127.0.0.1:${tlsRedis.tlsPort}`,
      postgresUrl: postgres.url,
      natsUrl: nats.url,
      webUrl: `http://127.0.0.1:${(web.address() as AddressInfo).port}`,
      startUrl: start.url,
      environment: {
        REDIS_PASSWORD: "secret",
        SENTINEL_PASSWORD: "secret",
        REDIS_KEY_PASSPHRASE: "secret",
        KV_REST_API_URL: rest.url,
        KV_REST_API_TOKEN: TOKEN,
        UPSTASH_REDIS_REST_URL: rest.url,
        UPSTASH_REDIS_REST_TOKEN: TOKEN,
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startTlsRedis(folder: string): Promise<{ tlsPort: number; stop: () => Promise<void> }> {
  const certificates = join(folder, "certs");
  mkdirSync(certificates);
  const authority = new Authority(certificates, "ca");
  for (const id of ["server", "limits"]) authority.sign(id, { name: "IP:127.0.0.1" });
  const tlsPort = await freePort();
  const files = { "cert": "server.pem", "key": "server.key", "ca-cert": "ca.pem" };
  const paths = Object.entries(files).flatMap(([name, file]) => [`--tls-${name}-file`, authority.path(file)]);
  const server = await startRedis("--tls-port", String(tlsPort), ...paths, "--tls-auth-clients", "no");
  return { tlsPort, stop: () => server.stop() };
}

/** What stands for what, in the order in which it is replaced. All else in a block is run as it is written. */
export function substitute(code: string, language: string, services: Services, port: number): string {
  const { redisUrl, tlsRedisUrl, postgresUrl, natsUrl, webUrl, startUrl } = services;
  const all: readonly (readonly [RegExp, string])[] = [
    [/redis:\/\/(?:localhost|redis\.internal):6379(?:\/0)?/g, redisUrl],
    [/rediss:\/\/redis\.internal:6380(?:\/0)?/g, tlsRedisUrl],
    [/postgres:\/\/postgres@localhost:5432\/postgres/g, postgresUrl],
    [/(?:nats:\/\/)?localhost:4222/g, natsUrl],
    [/https:\/\/((?:\w+\.)*example)\b/g, `${webUrl}/$1`],
  ];
  const shell: readonly (readonly [RegExp, string])[] = [
    [/http:\/\/127\.0\.0\.1:3000/g, startUrl],
    [/--tls -u rediss:\/\/redis\.example\.com:6380/g, `--tls --cacert ../certs/ca.pem -u ${tlsRedisUrl}`],
    [/(redis:\/\/(?:[^@\s/]*@)?)redis\.example\.com:6379/g, `$1${new URL(redisUrl).host}`],
    [/\bredis-cli (?!-u|--tls)/g, `redis-cli -u ${redisUrl} `],
  ];
  const program: readonly (readonly [RegExp, string])[] = [[/\b(?:3000|8080)\b(?=[ )])/g, String(port)]];
  const own = language === "sh" ? shell : language === "toml" ? [] : program;
  return [...all, ...own].reduce((text, [name, service]) => text.replace(name, service), code);
}
