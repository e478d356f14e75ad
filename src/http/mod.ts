/**
 * Guards an HTTP server: a request in, a decision out, with status, headers and body. It knows no framework; the entries
 * beside it do.
 *
 * @example A server with one limit for each client address
 * ```ts
 * import { guardHandler } from "@ratesync/core/http/fetch";
 *
 * const handler = guardHandler(() => new Response("hello"), { limiter: "api" });
 * export default { fetch: handler };
 * ```
 *
 * @module
 */

export type { Address } from "../base/network.ts";
export type { Admission } from "./admission.ts";
export {
  clientAddress,
  type ClientAddressOptions,
  DEFAULT_TRUSTED_PROXIES,
  NetworkSet,
  type Peer,
} from "./client_address.ts";
export type { BodyStyle, RefusalReason } from "./denial.ts";
export { byBody, type ByBodyOptions } from "./by_body.ts";
export { createGuard, Guard, guardOf } from "./guard.ts";
export type { HeaderPair } from "./header_pair.ts";
export { type HeaderDialect, rateLimitHeaders } from "./headers.ts";
export { type HeaderTarget, setHeaders } from "./set_headers.ts";
export {
  byApiKey,
  type ByApiKeyOptions,
  byHeader,
  byIp,
  type ByIpOptions,
  firstOf,
  type Identify,
  type Identity,
} from "./identify.ts";
export { UNIDENTIFIED } from "./key_class.ts";
export type { Cost, DenialAnswer, Denied, GuardList, GuardOptions, GuardReport, GuardRule } from "./options.ts";
export type { GuardedRequest, RequestFacts } from "./request.ts";
export type { HeaderSource } from "./header_source.ts";
export { failuresOnly, type Outcome, responseBytes, type Settle, type SettledOutcome } from "./settle.ts";
export type { GuardErrorKind, GuardErrorListener } from "./error_reporter.ts";
