/**
 * A worker on the edge whose limit holds everywhere: it is kept in a Redis over REST. The instance is one for each request,
 * because there a request must not wait for what another one has asked.
 *
 *     npx wrangler dev shared.js --var UPSTASH_REDIS_REST_URL:https://... --var UPSTASH_REDIS_REST_TOKEN:...
 *     for i in $(seq 7); do curl -i -H 'CF-Connecting-IP: 203.0.113.7' http://127.0.0.1:8787/; done
 */

import { createRateSync } from "@ratesync/core";
import { guardHandler } from "@ratesync/core/http/fetch";

export default {
  async fetch(request, env) {
    const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env;
    const rateSync = createRateSync({
      stores: { main: { engine: "redis", url, token } },
      limiters: { api: { algorithm: "sliding_window", limit: 5, windowMs: 10_000 } },
    });
    try {
      const guarded = guardHandler(() => new Response("hello"), {
        limiter: "api",
        rateSync,
        addressHeader: "cf-connecting-ip",
      });
      return await guarded(request);
    } finally {
      await rateSync.close();
    }
  },
};
