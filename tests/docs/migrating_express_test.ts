import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";

import { createRateSync } from "@ratesync/core";
import { byIp, failuresOnly, type GuardOptions } from "@ratesync/core/http";
import { rateLimit as guard } from "@ratesync/core/http/express";
import express, { type Request, type RequestHandler } from "express";
import { type Options, rateLimit } from "express-rate-limit";

/** Rows of the table of options in docs/migrating/express-rate-limit.md: both sides must answer alike. */
interface Row {
  readonly what: string;
  readonly theirs: Partial<Options>;
  readonly ours: Partial<GuardOptions<Request>>;
  /** What is requested, in this order: a path, and the client behind a proxy. */
  readonly requests: readonly (string | readonly [path: string, client: string])[];
  /** Headers that both send alike, with the seconds left out. */
  readonly headers?: readonly string[];
  /** Statuses that both answer. */
  readonly statuses: readonly number[];
}

const OFF = { legacyHeaders: false, standardHeaders: false } as const;

const ROWS: readonly Row[] = [
  { what: "limit", theirs: OFF, ours: {}, requests: ["/", "/", "/", "/"], statuses: [200, 200, 429, 429] },
  {
    what: "skipSuccessfulRequests",
    theirs: { ...OFF, skipSuccessfulRequests: true },
    ours: { settle: failuresOnly() },
    requests: ["/", "/", "/", "/bad", "/bad", "/"],
    statuses: [200, 200, 200, 400, 400, 429],
  },
  {
    what: "skipFailedRequests",
    theirs: { ...OFF, skipFailedRequests: true },
    ours: { settle: ({ status = 500, cost }) => status < 400 ? cost : 0 },
    requests: ["/bad", "/bad", "/bad", "/", "/", "/bad"],
    statuses: [400, 400, 400, 200, 200, 429],
  },
  {
    what: "requestWasSuccessful",
    theirs: { ...OFF, skipSuccessfulRequests: true, requestWasSuccessful: (_, { statusCode }) => statusCode !== 400 },
    ours: { settle: failuresOnly((outcome) => outcome.status === 400) },
    requests: ["/missing", "/missing", "/missing", "/bad", "/bad", "/bad"],
    statuses: [404, 404, 404, 400, 400, 429],
  },
  {
    what: "statusCode",
    theirs: { ...OFF, statusCode: 503 },
    ours: { statusCode: 503 },
    requests: ["/", "/", "/"],
    statuses: [200, 200, 503],
  },
  {
    what: "skip",
    theirs: { ...OFF, skip: ({ path }) => path === "/bad" },
    ours: { skip: ({ path }) => path === "/bad" },
    requests: ["/bad", "/bad", "/bad", "/", "/", "/bad", "/"],
    statuses: [400, 400, 400, 200, 200, 400, 429],
  },
  {
    what: "keyGenerator",
    theirs: { ...OFF, keyGenerator: ({ ip = "" }) => ip },
    ours: { key: ({ raw }) => raw.ip },
    requests: [["/", "192.0.2.1"], ["/", "192.0.2.1"], ["/", "192.0.2.2"], ["/", "192.0.2.1"]],
    statuses: [200, 200, 200, 429],
  },
  {
    what: "ipv6Subnet",
    theirs: OFF,
    ours: { key: byIp({ ipv6Prefix: 56 }) },
    requests: [["/", "2001:db8:0:1::1"], ["/", "2001:db8:0:2::1"], ["/", "2001:db8:0:100::1"], ["/", "2001:db8::7"]],
    statuses: [200, 200, 200, 429],
  },
  ...([["draft-6", "draft-6"], ["draft-7", "draft-7"]] as const).map(([standardHeaders, headers]): Row => ({
    what: `standardHeaders: ${standardHeaders}`,
    theirs: { legacyHeaders: false, standardHeaders },
    ours: { headers },
    requests: ["/", "/", "/"],
    headers: [
      "ratelimit",
      "ratelimit-policy",
      "ratelimit-limit",
      "ratelimit-remaining",
      "ratelimit-reset",
      "retry-after",
    ],
    statuses: [200, 200, 429],
  })),
  {
    what: "legacyHeaders",
    theirs: { standardHeaders: false },
    ours: { headers: "x-ratelimit" },
    requests: ["/", "/", "/"],
    headers: ["x-ratelimit-limit", "x-ratelimit-remaining", "retry-after"],
    statuses: [200, 200, 429],
  },
];

describe("the options of express-rate-limit in docs/migrating", () => {
  for (const { what, theirs, ours, requests, headers = [], statuses } of ROWS) {
    it(`answer alike: ${what}`, async () => {
      await using rateSync = createRateSync({
        limiters: { api: { algorithm: "fixed_window", limit: 2, windowMs: 60_000 } },
      });
      const before = await answers(rateLimit({ windowMs: 60_000, limit: 2, ...theirs }), requests, headers);
      const after = await answers(guard<Request>({ rateSync, limiter: "api", ...ours }), requests, headers);
      assert.deepEqual(before.map(([status]) => status), statuses);
      assert.deepEqual(after, before);
    });
  }

  it("count CORS preflights on both sides", async () => {
    await using rateSync = createRateSync({
      limiters: { api: { algorithm: "fixed_window", limit: 2, windowMs: 60_000 } },
    });
    for (const middleware of [rateLimit({ windowMs: 60_000, limit: 2 }), guard({ rateSync, limiter: "api" })]) {
      const seen = await answers(middleware, ["/", "/", "/"], [], "OPTIONS");
      assert.deepEqual(seen.at(-1), [429, []]);
    }
  });
});

/** Answers of a server behind a middleware: statuses and headers. */
async function answers(
  middleware: RequestHandler,
  requests: Row["requests"],
  headers: readonly string[],
  method = "GET",
): Promise<[status: number, headers: (string | null)[]][]> {
  const app = express();
  app.set("trust proxy", "loopback");
  app.use(middleware);
  app.get("/bad", (_request, response) => void response.status(400).end());
  app.get("/", (_request, response) => void response.end());
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const seen: [number, (string | null)[]][] = [];
    for (const request of requests) {
      const [path, client] = typeof request === "string" ? [request, "203.0.113.7"] : request;
      const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
        method,
        headers: { "x-forwarded-for": client, "access-control-request-method": "GET", connection: "close" },
      });
      await answer.arrayBuffer();
      seen.push([
        answer.status,
        headers.map((name) => answer.headers.get(name)?.replace(/(?<!w=)\b(?:60|59)\b/, "T") ?? null),
      ]);
      await new Promise((resolve) => setTimeout(resolve, 5)); // what a request has cost is settled after its answer
    }
    return seen;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
