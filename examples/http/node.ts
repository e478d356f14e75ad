/**
 * A server on node:http that answers five requests in ten seconds to each address.
 *
 *     npx bun examples/http/node.ts
 *     for i in $(seq 7); do curl -i http://127.0.0.1:3000/; done
 *
 * On Node: `npm run build`, then `node dist/examples/http/node.js`.
 *
 * @module
 */

import { createServer } from "node:http";
import process from "node:process";

import { createRateSync } from "@ratesync/core";
import { guardHandler } from "@ratesync/core/http/node";

const rateSync = createRateSync({
  limiters: { api: { algorithm: "sliding_window", limit: 5, windowMs: 10_000 } },
});

const port = Number(process.env["PORT"] ?? 3000);
createServer(guardHandler((_request, response) => response.end("hello\n"), { limiter: "api", rateSync }))
  .listen(port, "127.0.0.1", () => console.log(`Try: for i in $(seq 7); do curl -i http://127.0.0.1:${port}/; done`));
