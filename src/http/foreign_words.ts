/**
 * What other packages call the options of an HTTP guard.
 *
 * @module
 */

import type { WordTable } from "../base/foreign_words.ts";

/** Our options and their values, with the words of express-rate-limit, @fastify/rate-limit, hono-rate-limiter and others. */
export const HTTP_WORDS: readonly WordTable[] = [
  [
    "HTTP guards",
    "rateSync:instance waitMs:timeoutMs,maxWait key:keyGenerator,keyFunc,keyBy,getTracker,generateKey statusCode:status,code skip:skipIf " +
    "onDenied:message,handler,errorResponseBuilder,onLimit,onLimitReached,onExceeded " +
    "headers:standardHeaders,legacyHeaders,addHeaders,enableDraftSpec,headersEnabled " +
    "settle:skipSuccessfulRequests,skipFailedRequests,requestWasSuccessful allow:allowList,whitelist " +
    "block:ban,blockList,blacklist,denyList trustedProxies:trustProxy,proxies dryRun:shadow addressHeader:ipHeader,header " +
    "skipPreflights:skipOptions,ignoreOptions exposeHeaders:exposedHeaders,expose ipv6Prefix:ipv6Subnet",
  ],
  ["the Fastify plugin", "hook global"],
  ["", "none:requestPropertyName,retryAfter draft-11:draft-8,draft-9,draft-10,ietf,standard x-ratelimit:legacy,github"],
];
