/**
 * The options of a guard.
 *
 * @module
 */

import type { Decision } from "../decision/decision.ts";
import type { Logger } from "../observe/events.ts";
import type { Limiter } from "../limiter/limiter.ts";
import type { RateSync } from "../registry/rate_sync.ts";
import type { BodyStyle, RefusalReason } from "./denial.ts";
import type { HeaderPair } from "./header_pair.ts";
import type { HeaderDialect } from "./headers.ts";
import type { Identify } from "./identify.ts";
import type { GuardedRequest } from "./request.ts";
import type { Settle } from "./settle.ts";
import type { GuardErrorListener } from "./error_reporter.ts";

/** Units that a request takes, a whole number from 1; from a function also 0, for none. */
export type Cost<Raw = unknown> = number | ((request: GuardedRequest<Raw>) => number | Promise<number>);

/** One limiter's part in guarding. */
export interface GuardRule<Raw = unknown> {
  /** The limiter's id. */
  readonly limiter: string;
  /** The key of a request. @default the guard's `key` */
  readonly key?: Identify<Raw> | false;
  /** What kind of key it is: see the guard's `keyClass`. @default the guard's, if it has the guard's key */
  readonly keyClass?: string;
  /** Units that a request takes. @default the guard's `cost` */
  readonly cost?: Cost<Raw>;
  /** The real cost of a request, known after the answer. @default the guard's `settle` */
  readonly settle?: Settle<Raw>;
}

/** A list of clients, by network or by key. */
export interface GuardList {
  /** Networks, as CIDRs or addresses. */
  readonly networks?: readonly string[];
  /** Keys, as the key functions return them: `ip:203.0.113.7`. */
  readonly keys?: readonly string[];
}

/** A denial that is about to be answered. */
export interface Denied {
  /** Why. */
  readonly reason: RefusalReason;
  /** The status that would be sent. */
  readonly status: number;
  /** The headers that would be sent. */
  readonly headers: readonly HeaderPair[];
  /** The body that would be sent. */
  readonly body: string;
  /** How long to wait, in whole seconds; `undefined` where waiting does not help. */
  readonly retryAfterSeconds: number | undefined;
  /** The decision, where a limiter made one. */
  readonly decision: Decision | undefined;
}

/** What is sent in place of the usual denial. Parts that are left out keep their usual value. */
export interface DenialAnswer {
  /** The status, from 200 to 599. */
  readonly status?: number;
  /** Headers to send besides. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The body: a text, or a value that is sent as JSON. */
  readonly body?: unknown;
}

/** What a guard has decided about a request. */
export interface GuardReport<Raw = unknown> {
  /** The request. */
  readonly request: GuardedRequest<Raw>;
  /** Why it is denied, or would be without the dry run; `undefined` where it is allowed. */
  readonly reason: RefusalReason | undefined;
  /** The keys that were checked, one for each limiter. */
  readonly keys: readonly (string | undefined)[];
  /** The decision, where a limiter made one. */
  readonly decision: Decision | undefined;
  /** Whether the request is allowed whatever was decided. */
  readonly dryRun: boolean;
}

/** How a server is guarded. */
export interface GuardOptions<Raw = unknown> {
  /**
   * The limiter: its id, the limiter itself, or several rules, which are decided together: all of them allow the
   * request, or none is charged.
   */
  readonly limiter: string | Limiter | readonly GuardRule<Raw>[];
  /** The instance whose limiters these are; it must know them. @default the default instance */
  readonly rateSync?: RateSync;
  /**
   * The key of a request: `byIp()`, `byApiKey()`, `byHeader(name)`, or a function; with `false`, all clients share one
   * limit. A function may return several keys, which must each have units left. @default byIp()
   */
  readonly key?: Identify<Raw> | false;
  /**
   * What kind of key it is, for decisions, events and metrics: 1 to 64 characters, never the key itself.
   * @default what keys of `byIp()` and the other functions begin with: `ip`, `api-key`, a header or a field; `key` for those
   *   of a function of your own, `unidentified` where there is none
   */
  readonly keyClass?: string;
  /** Units that a request takes. @default {1} */
  readonly cost?: Cost<Raw>;
  /** The real cost of a request, known after the answer: `failuresOnly()`, `responseBytes()`, or a function. */
  readonly settle?: Settle<Raw>;
  /** Requests that are not limited at all. */
  readonly skip?: (request: GuardedRequest<Raw>) => boolean | Promise<boolean>;
  /**
   * Whether CORS preflights are not limited: `OPTIONS` with `Access-Control-Request-Method`. Any client can send those,
   * so what answers them should be cheap. @default {false}
   */
  readonly skipPreflights?: boolean;
  /** Clients that are not limited. */
  readonly allow?: GuardList;
  /** Clients that get 403. If both match, `block` applies, not `allow`. */
  readonly block?: GuardList;
  /** Decides and reports, but denies no request and sends no headers. @default {false} */
  readonly dryRun?: boolean;
  /** How long a request may wait instead of being denied, in milliseconds, 0 or more. @default {0} */
  readonly waitMs?: number;
  /** The dialect of the `RateLimit` headers, or several dialects; `false` sends only `Retry-After`. @default {"draft-11"} */
  readonly headers?: HeaderDialect | readonly HeaderDialect[] | false;
  /**
   * Whether scripts of other origins may read the headers that the guard sets: their names are added to
   * `Access-Control-Expose-Headers`, unless that is `*`. @default {false}
   */
  readonly exposeHeaders?: boolean;
  /** The style of the body of a denial. @default {"problem"} */
  readonly body?: BodyStyle;
  /**
   * Adds an `explanation` to the body of a denial, which must be of the style `problem`: which limit denies and until when,
   * what stands in each, when units are free. It tells clients your rules, but no key, store or other client.
   * @default {false}
   */
  readonly explain?: boolean;
  /** The status of a denial by a limit, from 400 to 599. @default {429} */
  readonly statusCode?: number;
  /** Changes the answer to a denied request. */
  readonly onDenied?: (
    denied: Denied,
    request: GuardedRequest<Raw>,
  ) => DenialAnswer | undefined | void | Promise<DenialAnswer | undefined | void>;
  /** Called with each decision: for logs, metrics, and for what a dry run would deny. */
  readonly onDecision?: (report: GuardReport<Raw>) => void;
  /** Called with each error: of a function among the options, or of the store. */
  readonly onError?: GuardErrorListener;
  /** Where errors are logged, each kind once a minute; `false` for nowhere. @default console */
  readonly logger?: Pick<Logger, "warn"> | false;
  /**
   * Throws the errors of a store instead of answering 503, where a limiter's `onStoreError` is `"throw"`.
   * @default {false}
   */
  readonly throwStoreErrors?: boolean;
  /**
   * Networks of trusted proxies, as CIDRs or addresses.
   * @default those of the configuration, or private networks and this machine
   */
  readonly trustedProxies?: readonly string[];
  /**
   * The header in which your proxies send the client's address: `"x-forwarded-for"`, `"forwarded"`, or one that holds
   * one address. Only this one is read. @default {"x-forwarded-for"}
   */
  readonly addressHeader?: string;
}
