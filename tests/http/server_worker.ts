/**
 * One of several servers that share a limit: `server_worker <adapter> <redis> <prefix>`. Prints where it listens.
 *
 * @module
 */

import process from "node:process";

import { createRateSync } from "@ratesync/core";
import { guardHandler as guardFetch } from "@ratesync/core/http/fetch";
import { guardHandler as guardNode } from "@ratesync/core/http/node";

import { serveFetch, serveNode } from "./_servers.ts";

const [adapter = "", url = "", keyPrefix = ""] = process.argv.slice(2);
const rateSync = createRateSync({
  stores: { main: { engine: "redis", url, keyPrefix } },
  limiters: { api: { limit: 50, windowMs: 600_000, algorithm: "sliding_window", onStoreError: "throw" } },
});
const options = { limiter: "api", rateSync } as const;
const server = adapter === "fetch"
  ? await serveFetch(guardFetch(() => new Response("hello"), options))
  : await serveNode(guardNode((_request, response) => void response.end("hello"), options));
console.log(server.url);
