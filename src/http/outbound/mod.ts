/**
 * Calls to servers that have limits: `limitedFetch` waits until its limiter allows the call, follows the limits that the
 * server announces, and pauses every process when the server refuses a request of one of them.
 *
 * @module
 */

export { limitedFetch } from "./limited_fetch.ts";
export type { ResetUnit } from "./families.ts";
export type { LimitHeaders } from "./limit_headers.ts";
export type { LimitReading } from "./limit_reading.ts";
export type { LimitResponse } from "./limit_response.ts";
export type { LimitedFetchOptions, Throttled, ThrottleSource } from "./options.ts";
export type { Fetch, FetchInput, ForeignAnswer, ForeignFetch, OutboundRequest } from "./outbound_call.ts";
