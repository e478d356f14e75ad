/**
 * Calls to servers that have limits: `limitedFetch` waits for its limiter, obeys what the server announces, and pauses every
 * process of a fleet when one of them is refused.
 *
 * @module
 */

export { limitedFetch } from "./limited_fetch.ts";
export type { ResetUnit } from "./families.ts";
export type { LimitHeaders } from "./limit_headers.ts";
export type { LimitReading } from "./limit_reading.ts";
export type { LimitResponse } from "./limit_response.ts";
export type { LimitedFetchOptions, Throttled, ThrottleSource } from "./options.ts";
export type { Fetch, FetchInput, OutboundRequest } from "./outbound_call.ts";
