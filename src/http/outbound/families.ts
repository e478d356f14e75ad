/**
 * How services write their limits: one row for each family of headers, and for each service that says more in the body.
 * Data only; `announcement.ts` and `body_limits.ts` read it. docs/outbound.md lists the services.
 *
 * @module
 */

/**
 * How a header writes when a quota is whole again.
 *
 * - `seconds`: Seconds from now.
 * - `milliseconds`: Milliseconds from now.
 * - `epoch_seconds`: Seconds since the Unix epoch.
 * - `epoch_milliseconds`: Milliseconds since the Unix epoch.
 * - `date`: A date by RFC 9110 or ISO 8601.
 * - `duration`: A duration such as `6m0s`.
 */
export type ResetUnit = "seconds" | "milliseconds" | "epoch_seconds" | "epoch_milliseconds" | "date" | "duration";

/** Headers of one quota. */
export interface HeaderFamily {
  /** The header with the units that are left. */
  readonly remaining?: string;
  /** The headers that may say when the quota is whole again; the first one that can be read counts. */
  readonly resets?: readonly string[];
  /** How `resets` are written. Recognised by their form where that is not said. */
  readonly unit?: ResetUnit | undefined;
  /** Headers that name the quota, of a service that has several under the same headers. */
  readonly names?: readonly string[];
  /** The length of the window in milliseconds, of a service that announces no end. */
  readonly windowMs?: number;
  /** The header with that length. */
  readonly windowMsHeader?: string;
  /** Whether windows begin at multiples of their length, by the clock of the server. */
  readonly aligned?: boolean;
}

/** A header that holds all of one or several quotas. */
export interface PackedFamily {
  /** The header. */
  readonly header: string;
  /** Each match is a quota. Groups: `name`, `remaining`, or `used` and `limit`; `minutes` is the length of its window. */
  readonly pattern: RegExp;
  /** How long an empty bucket takes to be full again, in milliseconds, where units come back one by one. */
  readonly refillMs?: number;
}

/** A service that says in the body what its headers do not say. */
export interface BodyFamily {
  /** The statuses with which it does. */
  readonly statuses: readonly number[];
  /** The body is read only where one of these headers is there; they do not matter where none is named. */
  readonly headers?: readonly string[];
  /** The body is read only where the path of the request matches. */
  readonly path?: RegExp;
  /** The body speaks of a limit where this matches. A group `seconds` is how long to wait, where no header says so. */
  readonly text: RegExp;
  /** Whether the answer is then a refusal, whatever its status. */
  readonly refused: boolean;
  /** How long to wait then, in milliseconds, where no header says so. */
  readonly waitMs?: number;
  /** Where the numbers of a bucket stand, as paths in the JSON. */
  readonly bucket?: {
    /** Units that are left. */
    readonly remaining: string;
    /** Units that come back each second. */
    readonly perSecond: string;
    /** Units that the refused request needs. */
    readonly cost: string;
  };
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** Families of headers. Names are in lower case. */
export const HEADER_FAMILIES: readonly HeaderFamily[] = [
  // Drafts 0 to 6 of the IETF; GitLab, Kong, Twitch, Zendesk, express-rate-limit
  { remaining: "ratelimit-remaining", resets: ["ratelimit-reset"] },
  // GitHub, Discord, Atlassian, Reddit, Vercel, Cloudflare's older services, most of the rest
  {
    remaining: "x-ratelimit-remaining",
    resets: ["x-ratelimit-reset-after", "x-ratelimit-reset"],
    names: ["x-ratelimit-resource", "x-ratelimit-bucket"],
  },
  // X, Okta, Akamai
  { remaining: "x-rate-limit-remaining", resets: ["x-rate-limit-reset"] },
  { remaining: "x-user-limit-24hour-remaining", resets: ["x-user-limit-24hour-reset"] },
  { remaining: "x-app-limit-24hour-remaining", resets: ["x-app-limit-24hour-reset"] },
  // Linear
  { remaining: "x-ratelimit-requests-remaining", resets: ["x-ratelimit-requests-reset"] },
  { remaining: "x-ratelimit-complexity-remaining", resets: ["x-ratelimit-complexity-reset"] },
  {
    remaining: "x-ratelimit-endpoint-requests-remaining",
    resets: ["x-ratelimit-endpoint-requests-reset"],
    names: ["x-ratelimit-endpoint-name"],
  },
  // HubSpot
  { remaining: "x-hubspot-ratelimit-remaining", windowMsHeader: "x-hubspot-ratelimit-interval-milliseconds" },
  // OpenAI, Azure OpenAI, Groq and others that are compatible
  { remaining: "x-ratelimit-remaining-requests", resets: ["x-ratelimit-reset-requests"] },
  { remaining: "x-ratelimit-remaining-tokens", resets: ["x-ratelimit-reset-tokens"] },
  { remaining: "x-ratelimit-remaining-project-tokens", resets: ["x-ratelimit-reset-project-tokens"] },
  // Anthropic
  { remaining: "anthropic-ratelimit-requests-remaining", resets: ["anthropic-ratelimit-requests-reset"] },
  { remaining: "anthropic-ratelimit-tokens-remaining", resets: ["anthropic-ratelimit-tokens-reset"] },
  { remaining: "anthropic-ratelimit-input-tokens-remaining", resets: ["anthropic-ratelimit-input-tokens-reset"] },
  { remaining: "anthropic-ratelimit-output-tokens-remaining", resets: ["anthropic-ratelimit-output-tokens-reset"] },
  { resets: ["anthropic-ratelimit-unified-reset"] },
  // Mistral
  { remaining: "x-ratelimit-remaining-req-minute", windowMs: MINUTE_MS },
  { remaining: "x-ratelimit-remaining-tokens-minute", windowMs: MINUTE_MS },
  { remaining: "x-ratelimitbysize-remaining-minute", resets: ["ratelimitbysize-reset"], windowMs: MINUTE_MS },
  // Kong
  { remaining: "x-ratelimit-remaining-second", windowMs: SECOND_MS, aligned: true },
  { remaining: "x-ratelimit-remaining-minute", windowMs: MINUTE_MS, aligned: true },
  { remaining: "x-ratelimit-remaining-hour", windowMs: 60 * MINUTE_MS, aligned: true },
  { remaining: "x-ratelimit-remaining-day", windowMs: 24 * 60 * MINUTE_MS, aligned: true },
];

/** Headers that hold several numbers. */
export const PACKED_FAMILIES: readonly PackedFamily[] = [
  // Shopify REST: `39/40`. On every plan a bucket is full again within 20 seconds.
  {
    header: "x-shopify-shop-api-call-limit",
    pattern: /^ *(?<used>\d{1,9})\/(?<limit>\d{1,9}) *$/g,
    refillMs: 20 * SECOND_MS,
  },
  // Azure Resource Manager: `Microsoft.Compute/HighCostGet3Min;159,Microsoft.Compute/HighCostGet30Min;1598`
  {
    header: "x-ms-ratelimit-remaining-resource",
    pattern: /(?<name>[^,; ]{1,100}?(?<minutes>\d{1,4})Min);(?<remaining>\d{1,15})/g,
  },
];

/** Headers that say how long to wait. The first one counts that says more than 0. */
export const RETRY_HEADERS: readonly { readonly header: string; readonly unit?: ResetUnit }[] = [
  { header: "retry-after-ms", unit: "milliseconds" }, // OpenAI, Azure OpenAI
  { header: "x-ms-retry-after-ms", unit: "milliseconds" }, // Azure Cosmos DB
  { header: "retry-after" }, // RFC 9110: Slack, Discord, Shopify, Notion, most others
  { header: "x-ratelimit-retry-after" }, // MailerLite
];

/** Headers that forbid to send a request again when they say `false`. */
export const RETRY_BANS: readonly string[] = ["stripe-should-retry", "x-should-retry"]; // Stripe; OpenAI, Anthropic

/** Services that say more in the body. */
export const BODY_FAMILIES: readonly BodyFamily[] = [
  // GitHub, secondary limits: its guide asks for a minute at least
  {
    statuses: [403, 429],
    text: /secondary rate limit|abuse detection mechanism/i,
    refused: true,
    waitMs: MINUTE_MS,
  },
  // GitHub, the primary limit, which it answers with 403 too
  {
    statuses: [403, 429],
    text: /API rate limit exceeded/i,
    refused: true,
  },
  // GitHub GraphQL refuses with 200 too. Answers of queries begin with `data`, and may hold any text.
  {
    statuses: [200],
    headers: ["x-github-request-id"],
    path: /\/graphql$/,
    text: /^\s*\{\s*"(?!data")[^]{0,500}?(?:secondary rate limit|abuse detection mechanism)/i,
    refused: true,
    waitMs: MINUTE_MS,
  },
  {
    statuses: [200],
    headers: ["x-github-request-id"],
    path: /\/graphql$/,
    text: /^\s*\{\s*"(?!data")[^]{0,500}?"RATE_LIMIT(?:ED)?"/,
    refused: true,
  },
  // Google, Gemini: a `google.rpc.RetryInfo`
  {
    statuses: [429],
    text: /"retryDelay"\s*:\s*"(?<seconds>\d{1,9}(?:\.\d{1,9})?)s"/,
    refused: true,
  },
  // Linear refuses with 400
  {
    statuses: [400],
    headers: ["x-ratelimit-requests-remaining", "x-ratelimit-complexity-remaining"],
    text: /"RATELIMITED"/,
    refused: true,
  },
  // Shopify GraphQL: refuses with 200
  {
    statuses: [200],
    path: /\/graphql\.json$/,
    text: /"code"\s*:\s*"THROTTLED"/,
    refused: true,
    bucket: {
      remaining: "extensions.cost.throttleStatus.currentlyAvailable",
      perSecond: "extensions.cost.throttleStatus.restoreRate",
      cost: "extensions.cost.requestedQueryCost",
    },
  },
];
