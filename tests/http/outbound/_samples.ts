/**
 * Answers of services as their documentation and recorded traffic show them, moved to one date.
 *
 * @module
 */

/** The `Date` of every sample, and the same in seconds since the epoch. */
export const DATE = "Sun, 04 Jan 2026 10:00:13 GMT";
/** {@link DATE} in seconds since the Unix epoch. */
export const DATE_S: number = Date.UTC(2026, 0, 4, 10, 0, 13) / 1_000;

/** One answer, and what it means. */
export interface Sample {
  /** The service and the case. */
  readonly name: string;
  /** The path of the request. @default {"/"} */
  readonly path?: string;
  /** The status. */
  readonly status: number;
  /** The headers that tell something. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body. @default {"{}"} */
  readonly body?: string;
  /** How long the key pauses, in milliseconds; 0 for not at all. */
  readonly pauseMs: number;
  /** What says so. */
  readonly source?: "retry-after" | "reset" | "remaining" | "body" | "backoff";
}

const json = (value: unknown) => JSON.stringify(value);

const shopifyCost = (currentlyAvailable: number, requestedQueryCost: number) => ({
  requestedQueryCost,
  actualQueryCost: null,
  throttleStatus: { maximumAvailable: 1000.0, currentlyAvailable, restoreRate: 50.0 },
});

/** Every row of the tables stands in one of them at least. */
export const SAMPLES: readonly Sample[] = [
  {
    name: "GitHub, the primary limit",
    status: 403,
    headers: {
      "x-ratelimit-limit": "60",
      "x-ratelimit-remaining": "0",
      "x-ratelimit-used": "60",
      "x-ratelimit-resource": "core",
      "x-ratelimit-reset": String(DATE_S + 1_800),
    },
    body: json({ message: "API rate limit exceeded for 203.0.113.7. (But here's the good news: ...)" }),
    pauseMs: 1_800_000,
    source: "reset",
  },
  ...[403, 429].map((status): Sample => ({
    name: `GitHub, a secondary limit, ${status}`,
    status,
    headers: {
      "x-github-request-id": "C1A2:3F0B:1",
      "x-ratelimit-limit": "30",
      "x-ratelimit-remaining": "14",
      "x-ratelimit-reset": String(DATE_S + 47),
    },
    body: json({
      message: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
      documentation_url:
        "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits",
    }),
    pauseMs: 60_000,
    source: "body",
  })),
  {
    name: "GitHub, a secondary limit with Retry-After",
    status: 403,
    headers: { "retry-after": "90", "x-ratelimit-remaining": "14", "x-ratelimit-reset": String(DATE_S + 47) },
    body: json({ message: "You have exceeded a secondary rate limit." }),
    pauseMs: 90_000,
    source: "retry-after",
  },
  {
    name: "GitHub, a permission that is missing",
    status: 403,
    headers: { "x-ratelimit-remaining": "4999", "x-ratelimit-reset": String(DATE_S + 1_800) },
    body: json({ message: "Resource not accessible by integration" }),
    pauseMs: 0,
  },
  {
    name: "GitHub GraphQL, a secondary limit with 200",
    path: "/graphql",
    status: 200,
    headers: { "x-github-request-id": "C1A2:3F0B:1", "x-ratelimit-remaining": "4000" },
    body: json({
      documentation_url: "https://docs.github.com/graphql/using-the-rest-api/rate-limits-for-the-rest-api",
      message: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    }),
    pauseMs: 60_000,
    source: "body",
  },
  {
    name: "GitHub GraphQL, the primary limit, with units left",
    path: "/graphql",
    status: 200,
    headers: {
      "x-github-request-id": "C1A2:3F0B:1",
      "x-ratelimit-remaining": "12",
      "x-ratelimit-reset": String(DATE_S + 600),
    },
    body: json({ errors: [{ type: "RATE_LIMIT", code: "graphql_rate_limit", message: "API rate limit exceeded." }] }),
    pauseMs: 600_000,
    source: "reset",
  },
  {
    name: "GitHub GraphQL, an answer that quotes an error",
    path: "/graphql",
    status: 200,
    headers: { "x-github-request-id": "C1A2:3F0B:1", "x-ratelimit-remaining": "4000" },
    body: json({ data: { issue: { title: 'secondary rate limit and "RATE_LIMITED"' } } }),
    pauseMs: 0,
  },
  {
    name: "Google Gemini, a delay in the body",
    path: "/v1beta/models/gemini-2.5-flash:generateContent",
    status: 429,
    headers: { "content-type": "application/json; charset=UTF-8" },
    body: json({
      error: {
        code: 429,
        status: "RESOURCE_EXHAUSTED",
        details: [
          { "@type": "type.googleapis.com/google.rpc.Help", "links": [] },
          { "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.074824224s" },
        ],
      },
    }),
    pauseMs: 34_075,
    source: "body",
  },
  {
    name: "X, a window of 15 minutes",
    status: 429,
    headers: {
      "x-rate-limit-limit": "900",
      "x-rate-limit-remaining": "0",
      "x-rate-limit-reset": String(DATE_S + 600),
    },
    pauseMs: 600_000,
    source: "reset",
  },
  {
    name: "X, 24 hours of a user",
    status: 429,
    headers: {
      "x-rate-limit-remaining": "880",
      "x-rate-limit-reset": String(DATE_S + 600),
      "x-user-limit-24hour-limit": "100",
      "x-user-limit-24hour-remaining": "0",
      "x-user-limit-24hour-reset": String(DATE_S + 40_000),
    },
    pauseMs: 40_000_000,
    source: "reset",
  },
  {
    name: "X, 24 hours of an app",
    status: 200,
    headers: { "x-app-limit-24hour-remaining": "0", "x-app-limit-24hour-reset": String(DATE_S + 500) },
    pauseMs: 500_000,
    source: "remaining",
  },
  {
    name: "Linear, requests",
    path: "/graphql",
    status: 400,
    headers: {
      "x-ratelimit-requests-limit": "5000",
      "x-ratelimit-requests-remaining": "0",
      "x-ratelimit-requests-reset": String((DATE_S + 120) * 1_000),
      "x-ratelimit-complexity-remaining": "1499000",
      "x-ratelimit-complexity-reset": String((DATE_S + 3_600) * 1_000),
    },
    body: json({
      errors: [{ message: "Rate limit exceeded", extensions: { code: "RATELIMITED", type: "ratelimited" } }],
    }),
    pauseMs: 120_000,
    source: "reset",
  },
  {
    name: "Linear, complexity and an endpoint",
    path: "/graphql",
    status: 200,
    headers: {
      "x-complexity": "1800",
      "x-ratelimit-complexity-remaining": "0",
      "x-ratelimit-complexity-reset": String((DATE_S + 45) * 1_000),
      "x-ratelimit-endpoint-name": "searchIssues",
      "x-ratelimit-endpoint-requests-remaining": "0",
      "x-ratelimit-endpoint-requests-reset": String((DATE_S + 30) * 1_000),
    },
    pauseMs: 45_000,
    source: "remaining",
  },
  {
    name: "HubSpot",
    status: 429,
    headers: {
      "x-hubspot-ratelimit-daily": "500000",
      "x-hubspot-ratelimit-daily-remaining": "497000",
      "x-hubspot-ratelimit-interval-milliseconds": "10000",
      "x-hubspot-ratelimit-max": "100",
      "x-hubspot-ratelimit-remaining": "0",
    },
    body: json({
      status: "error",
      message: "You have reached your ten_secondly_rolling limit.",
      errorType: "RATE_LIMIT",
      policyName: "TEN_SECONDLY_ROLLING",
    }),
    pauseMs: 10_000,
    source: "reset",
  },
  {
    name: "Shopify REST, the bucket is full",
    path: "/admin/api/2025-01/products.json",
    status: 200,
    headers: { "x-shopify-shop-api-call-limit": "40/40" },
    pauseMs: 500,
    source: "remaining",
  },
  {
    name: "Shopify REST, one call is left",
    status: 200,
    headers: { "x-shopify-shop-api-call-limit": "39/40" },
    pauseMs: 0,
  },
  {
    name: "Shopify Plus REST, refused",
    status: 429,
    headers: { "x-shopify-shop-api-call-limit": "400/400" },
    pauseMs: 50,
    source: "reset",
  },
  {
    name: "Shopify REST, refused with Retry-After",
    status: 429,
    headers: { "x-shopify-shop-api-call-limit": "40/40", "retry-after": "2.0" },
    pauseMs: 2_000,
    source: "retry-after",
  },
  {
    name: "Shopify GraphQL, throttled",
    path: "/admin/api/2025-01/graphql.json",
    status: 200,
    headers: { "content-type": "application/json; charset=utf-8" },
    body: json({
      errors: [{ message: "Throttled", extensions: { code: "THROTTLED" } }],
      extensions: { cost: shopifyCost(118, 752) },
    }),
    pauseMs: 12_680,
    source: "body",
  },
  {
    name: "Shopify GraphQL, answered",
    path: "/admin/api/2025-01/graphql.json",
    status: 200,
    headers: { "content-type": "application/json; charset=utf-8" },
    body: json({ data: { shop: { name: "a" } }, extensions: { cost: shopifyCost(990, 10) } }),
    pauseMs: 0,
  },
  {
    name: "Stripe",
    status: 429,
    headers: { "stripe-rate-limited-reason": "global-rate", "stripe-should-retry": "true" },
    body: json({
      error: { type: "invalid_request_error", code: "rate_limit", message: "Request rate limit exceeded." },
    }),
    pauseMs: 1_000,
    source: "backoff",
  },
  {
    name: "Slack",
    path: "/api/chat.postMessage",
    status: 429,
    headers: { "retry-after": "30" },
    body: json({ ok: false, error: "ratelimited" }),
    pauseMs: 30_000,
    source: "retry-after",
  },
  {
    name: "Discord, refused",
    status: 429,
    headers: {
      "retry-after": "65",
      "x-ratelimit-limit": "10",
      "x-ratelimit-remaining": "0",
      "x-ratelimit-reset": `${DATE_S + 64}.573`,
      "x-ratelimit-reset-after": "64.57",
      "x-ratelimit-bucket": "abcd1234",
      "x-ratelimit-scope": "user",
    },
    body: json({ message: "You are being rate limited.", retry_after: 64.57, global: false }),
    pauseMs: 65_000,
    source: "retry-after",
  },
  {
    name: "Discord, the last call of a bucket",
    status: 200,
    headers: {
      "x-ratelimit-remaining": "0",
      "x-ratelimit-reset": `${DATE_S}.423`,
      "x-ratelimit-reset-after": "0.423",
      "x-ratelimit-bucket": "abcd1234",
    },
    pauseMs: 423,
    source: "remaining",
  },
  {
    name: "OpenAI, tokens",
    status: 429,
    headers: {
      "x-ratelimit-limit-requests": "500",
      "x-ratelimit-remaining-requests": "499",
      "x-ratelimit-reset-requests": "120ms",
      "x-ratelimit-limit-tokens": "150000",
      "x-ratelimit-remaining-tokens": "312",
      "x-ratelimit-reset-tokens": "6m0s",
    },
    pauseMs: 360_000,
    source: "reset",
  },
  {
    name: "OpenAI, requests",
    status: 429,
    headers: {
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "20ms",
      "x-ratelimit-remaining-tokens": "149984",
      "x-ratelimit-reset-tokens": "6m0s",
    },
    pauseMs: 20,
    source: "reset",
  },
  {
    name: "OpenAI, tokens of a project",
    status: 429,
    headers: { "x-ratelimit-remaining-project-tokens": "0", "x-ratelimit-reset-project-tokens": "3s" },
    pauseMs: 3_000,
    source: "reset",
  },
  {
    name: "Anthropic, input tokens",
    status: 429,
    headers: {
      "anthropic-ratelimit-requests-remaining": "49",
      "anthropic-ratelimit-requests-reset": "2026-01-04T10:00:14Z",
      "anthropic-ratelimit-input-tokens-remaining": "0",
      "anthropic-ratelimit-input-tokens-reset": "2026-01-04T10:00:34Z",
      "anthropic-ratelimit-output-tokens-remaining": "8000",
      "anthropic-ratelimit-output-tokens-reset": "2026-01-04T10:00:13Z",
      "anthropic-ratelimit-tokens-remaining": "8000",
      "anthropic-ratelimit-tokens-reset": "2026-01-04T10:00:34Z",
    },
    pauseMs: 21_000,
    source: "reset",
  },
  {
    name: "Anthropic, a subscription",
    status: 429,
    headers: {
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-representative-claim": "five_hour",
      "anthropic-ratelimit-unified-reset": String(DATE_S + 75),
    },
    pauseMs: 75_000,
    source: "reset",
  },
  {
    name: "Mistral",
    status: 429,
    headers: {
      "x-ratelimit-limit-req-minute": "60",
      "x-ratelimit-remaining-req-minute": "0",
      "x-ratelimit-limit-tokens-minute": "50000",
      "x-ratelimit-remaining-tokens-minute": "47196",
      "x-ratelimit-remaining-tokens-month": "3950246",
      "x-ratelimit-tokens-query-cost": "2804",
    },
    body: json({ object: "error", message: "Rate limit exceeded", type: "rate_limited", code: "1300" }),
    pauseMs: 60_000,
    source: "reset",
  },
  {
    name: "Mistral, by size",
    status: 429,
    headers: {
      "ratelimitbysize-reset": "47",
      "x-ratelimitbysize-limit-minute": "500000",
      "x-ratelimitbysize-remaining-minute": "0",
      "x-ratelimitbysize-remaining-month": "900000",
    },
    pauseMs: 47_000,
    source: "reset",
  },
  {
    name: "Azure OpenAI",
    status: 429,
    headers: { "retry-after": "2", "retry-after-ms": "1250", "x-ratelimit-remaining-tokens": "0" },
    pauseMs: 1_250,
    source: "retry-after",
  },
  {
    name: "Azure Cosmos DB",
    status: 429,
    headers: { "x-ms-retry-after-ms": "12", "x-ms-substatus": "3200" },
    pauseMs: 12,
    source: "retry-after",
  },
  {
    name: "Azure Resource Manager",
    status: 429,
    headers: {
      "x-ms-ratelimit-remaining-resource":
        "Microsoft.Compute/HighCostGet3Min;0,Microsoft.Compute/HighCostGet30Min;1598",
    },
    pauseMs: 180_000,
    source: "reset",
  },
  {
    name: "Azure Resource Manager, with Retry-After",
    status: 429,
    headers: {
      "retry-after": "17",
      "x-ms-ratelimit-remaining-resource":
        "Microsoft.Compute/HighCostGet3Min;0,Microsoft.Compute/HighCostGet30Min;1598",
      "x-ms-ratelimit-remaining-subscription-reads": "11992",
    },
    pauseMs: 17_000,
    source: "retry-after",
  },
  {
    name: "Kong",
    status: 429,
    headers: {
      "x-ratelimit-limit-minute": "5",
      "x-ratelimit-remaining-minute": "0",
      "ratelimit-limit": "5",
      "ratelimit-remaining": "0",
      "ratelimit-reset": "47",
      "retry-after": "47",
    },
    body: json({ message: "API rate limit exceeded" }),
    pauseMs: 47_000,
    source: "retry-after",
  },
  ...([["second", 987], ["minute", 47], ["hour", 59 * 60 + 47], ["day", 13 * 3_600 + 59 * 60 + 47]] as const).map(
    ([window, seconds]): Sample => ({
      name: `Kong before 2.0, the limit of a ${window}`,
      status: 429,
      headers: {
        [`x-ratelimit-limit-${window}`]: "5",
        [`x-ratelimit-remaining-${window}`]: "0",
      },
      pauseMs: window === "second" ? 1_000 : seconds * 1_000,
      source: "reset",
    }),
  ),
  {
    name: "Cloudflare",
    status: 200,
    headers: { "ratelimit": '"default";r=0;t=30', "ratelimit-policy": '"default";q=1200;w=300' },
    pauseMs: 30_000,
    source: "remaining",
  },
  {
    name: "Cloudflare, refused",
    status: 429,
    headers: { "ratelimit": '"default";r=0;t=29', "retry-after": "30" },
    pauseMs: 30_000,
    source: "retry-after",
  },
  {
    name: "draft 7 of the IETF",
    status: 429,
    headers: { "ratelimit": "limit=100, remaining=0, reset=8", "ratelimit-policy": "100;w=60" },
    pauseMs: 8_000,
    source: "reset",
  },
  {
    name: "GitLab",
    status: 429,
    headers: {
      "ratelimit-limit": "600",
      "ratelimit-observed": "601",
      "ratelimit-remaining": "0",
      "ratelimit-reset": String(DATE_S + 30),
      "ratelimit-resettime": "Sun, 04 Jan 2026 10:00:43 GMT",
    },
    pauseMs: 30_000,
    source: "reset",
  },
  {
    name: "MailerLite",
    status: 429,
    headers: { "x-ratelimit-remaining": "0", "x-ratelimit-retry-after": "35" },
    pauseMs: 35_000,
    source: "retry-after",
  },
  {
    name: "Reddit",
    status: 200,
    headers: { "x-ratelimit-remaining": "0.0", "x-ratelimit-used": "600", "x-ratelimit-reset": "300" },
    pauseMs: 300_000,
    source: "remaining",
  },
  {
    name: "Atlassian",
    status: 429,
    headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "2026-01-04T10:01Z" },
    pauseMs: 47_000,
    source: "reset",
  },
];
