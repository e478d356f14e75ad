/**
 * A server on Bun that answers five requests in ten seconds to each address.
 *
 *     bun examples/http/bun.ts
 *     for i in $(seq 7); do curl -i http://127.0.0.1:3000/; done
 *
 * @module
 */

import { createRateSync } from "@ratesync/core";
import { guardHandler } from "@ratesync/core/http/fetch";

const rateSync = createRateSync({
  limiters: { api: { algorithm: "sliding_window", limit: 5, windowMs: 10_000 } },
});

const port = Number(process.env["PORT"] ?? 3000);
const fetch = guardHandler(() => new Response("hello\n"), { limiter: "api", rateSync });
Bun.serve({ port, hostname: "127.0.0.1", fetch });
console.log(`Try: for i in $(seq 7); do curl -i http://127.0.0.1:${port}/; done`);

/** What is used of Bun, for programs that check types without it. */
declare const Bun: {
  serve(options: { port: number; hostname: string; fetch: (request: Request, server: unknown) => unknown }): unknown;
};
