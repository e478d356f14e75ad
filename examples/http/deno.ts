/**
 * A server on Deno that answers five requests in ten seconds to each address.
 *
 *     deno run -A examples/http/deno.ts
 *     for i in $(seq 7); do curl -i http://127.0.0.1:3000/; done
 *
 * @module
 */

import { createRateSync } from "@ratesync/core";
import { guardHandler } from "@ratesync/core/http/fetch";

const rateSync = createRateSync({
  limiters: { api: { algorithm: "sliding_window", limit: 5, windowMs: 10_000 } },
});

const port = Number(Deno.env.get("PORT") ?? 3000);
Deno.serve({ port, hostname: "127.0.0.1" }, guardHandler(() => new Response("hello\n"), { limiter: "api", rateSync }));
console.log(`Try: for i in $(seq 7); do curl -i http://127.0.0.1:${port}/; done`);

/** What is used of Deno, for programs that check types without it. */
declare const Deno: {
  readonly env: { get(name: string): string | undefined };
  serve(options: { port: number; hostname: string }, handler: (request: Request, info: unknown) => unknown): unknown;
};
