/**
 * What other packages call the options of a limited fetch.
 *
 * @module
 */

import type { WordTable } from "../../base/foreign_words.ts";

/** Our options, with the words of axios-retry, fetch-retry, got, ky, p-retry, undici and the plugins of Octokit. */
export const OUTBOUND_WORDS: readonly WordTable[] = [
  [
    "limitedFetch()",
    "maxRetries:retry,retryLimit,attempts refusals:statusCodes,retryStatusCodes,retryOn,errorCodes " +
    "retryMethods:methods,httpMethods backoffMs:retryDelay,minTimeout,minDelay,baseDelay " +
    "maxBackoffMs:backoffLimit,maxTimeout,maxDelay,maxRetryDelay " +
    "onThrottled:onRetry,onRateLimit,onSecondaryRateLimit,onLimit limitHeaders:headers",
  ],
  ["", "none:jitter,respectRetryAfter,retryAfter,fetch"],
];
