/**
 * Uploads: two at the same time, over all servers that share a Redis. A permit is held from the first byte to the end of
 * the answer, and is free again when a client gives up in the middle.
 *
 *     npx bun examples/upload_server.ts
 *     for i in 1 2 3; do head -c 2000000 /dev/zero | curl -s --limit-rate 1M -w ' %{http_code}\n' -T - http://127.0.0.1:3000/ & done; wait
 *
 * On Node: `npm run build`, then `node dist/examples/upload_server.js`.
 *
 * @module
 */

import { createServer } from "node:http";
import process from "node:process";

import { createRateSync } from "@ratesync/core";
import { guardHandler } from "@ratesync/core/http/node";

const url = process.env["REDIS_URL"];
const rateSync = createRateSync({
  stores: { main: url ? { engine: "redis", url } : { engine: "memory" } },
  limiters: { upload: { maxConcurrent: 2 } },
});

const port = Number(process.env["PORT"] ?? 3000);
createServer(guardHandler(
  async (request, response) => {
    let bytes = 0;
    for await (const part of request) bytes += part.byteLength;
    response.end(`${bytes} bytes received`);
  },
  { rateSync, limiter: "upload", key: false },
)).listen(port, "127.0.0.1", () => {
  const upload = "head -c 2000000 /dev/zero | curl -s --limit-rate 1M -w ' %{http_code}\\n' -T -";
  console.log(`Try: for i in 1 2 3; do ${upload} http://127.0.0.1:${port}/ & done; wait`);
});
