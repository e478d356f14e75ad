/**
 * A worker on the edge, which counts in its own memory. Isolates of one worker come and go: shared.js has a limit that holds
 * over all of them.
 *
 *     npx wrangler dev
 *     for i in $(seq 7); do curl -i -H 'CF-Connecting-IP: 203.0.113.7' http://127.0.0.1:8787/; done
 */

import { createRateSync } from "@ratesync/core";
import { guardHandler } from "@ratesync/core/http/fetch";

const rateSync = createRateSync({
  limiters: { api: { algorithm: "sliding_window", limit: 5, windowMs: 10_000 } },
});

export default {
  fetch: guardHandler(() => new Response("hello"), { limiter: "api", rateSync, addressHeader: "cf-connecting-ip" }),
};
