/**
 * A server whose guard gives permits. It asks itself three times for a page and once for a stream, and prints nothing.
 *
 * @module
 */

import { createRateSync } from "@ratesync/core";
import { guardHandler } from "@ratesync/core/http/fetch";
import { serveFetch } from "../_servers.ts";

await using rateSync = createRateSync({ limiters: { api: { limit: 100, windowMs: 60_000, maxConcurrent: 5 } } });
const handler = guardHandler(
  ({ url }: Request, _info: unknown) => new Response(url.endsWith("/stream") ? new Blob(["a", "b"]).stream() : "hello"),
  { limiter: "api", rateSync },
);
await using server = await serveFetch(handler);
for (const path of ["/", "/", "/", "/stream"]) await (await fetch(`${server.url}${path}`)).text();
