/**
 * A route handler of Next.js: put `GET` into `app/api/hello/route.ts`. Next tells no address, so the header is named that
 * its proxy writes. To be run alone, it is served here as Next would call it.
 *
 *     npx bun examples/http/next.ts
 *     for i in $(seq 7); do curl -i -H 'X-Forwarded-For: 203.0.113.7' http://127.0.0.1:3000/; done
 *
 * On Node: `npm run build`, then `node dist/examples/http/next.js`.
 *
 * @module
 */

import process from "node:process";

import { serve } from "@hono/node-server";
import { createRateSync } from "@ratesync/core";
import { guardHandler } from "@ratesync/core/http/fetch";

const rateSync = createRateSync({
  limiters: { api: { algorithm: "sliding_window", limit: 5, windowMs: 10_000 } },
});

/** The route handler. */
export const GET: (request: Request, context: RouteContext) => Promise<Response> = guardHandler(
  (_request: Request, _context: RouteContext) => Response.json({ hello: "world" }),
  { limiter: "api", rateSync, addressHeader: "x-forwarded-for" },
);

/** What Next hands to a route handler beside the request. */
interface RouteContext {
  readonly params: Promise<Readonly<Record<string, string>>>;
}

const port = Number(process.env["PORT"] ?? 3000);
serve({ fetch: (request) => GET(request, { params: Promise.resolve({}) }), port, hostname: "127.0.0.1" }, () => {
  console.log(`Try: for i in $(seq 7); do curl -i -H 'X-Forwarded-For: 203.0.113.7' http://127.0.0.1:${port}/; done`);
});
