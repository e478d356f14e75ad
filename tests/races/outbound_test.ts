import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";

import { createRateSync, type LimiterOptions } from "../../mod.ts";
import type { LimitedFetchOptions } from "../../src/http/outbound/mod.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { runFleet } from "./_fleet.ts";

const PROCESSES = 4;

/** What the server allows, a second: little, so that nothing depends on how busy the machine is. */
const RATE = 50;

/** How many requests may be under way at once. */
const IN_FLIGHT = 8;

/** What a server did. */
interface Served {
  answered: number;
  refused: number;
}

/** Lets a fleet call a server for a while. Counts what arrives within `forMs` of the first request. */
async function callServer(
  answer: (response: ServerResponse, sinceFirstMs: number) => Promise<number> | number,
  partner: LimiterOptions,
  forMs: number,
  options: Partial<LimitedFetchOptions> = {},
): Promise<Served> {
  let firstMs: number | undefined;
  const served = { answered: 0, refused: 0 };
  const server = createServer(async (_request, response) => {
    const nowMs = performance.now();
    const sinceMs = nowMs - (firstMs ??= nowMs);
    const status = await answer(response, sinceMs);
    response.writeHead(status).end();
    if (sinceMs < forMs) served[status === 200 ? "answered" : "refused"]++;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    const shared = { url: redisUrl(), prefix: freshPrefix(), limiters: { partner } };
    await runFleet("fetch_worker", PROCESSES, shared, { server: url, lanes: 12, forMs: forMs + 300, options });
    return served;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function assertObedient({ answered, refused }: Served, allowed: number): void {
  assert.ok(refused <= 1 + 0.01 * (answered + refused), `${refused} of ${answered + refused} were refused`);
  assert.ok(answered >= 0.95 * allowed, `${answered} of ${allowed} were answered`);
}

describe(`${PROCESSES} processes with a limited fetch`, () => {
  it("use what a partner allows, and no more", async () => {
    await using partner = createRateSync({ limiters: { api: { ratePerSecond: RATE, burst: RATE } } });
    const served = await callServer(
      async (response) => {
        const decision = await partner.tryAcquire("api");
        for (const [name, value] of Object.entries(decision.headers())) response.setHeader(name, value);
        return decision.allowed ? 200 : 429;
      },
      { ratePerSecond: RATE, burst: 0.4 * RATE },
      5_000,
    );
    assertObedient(served, RATE * 5);
  });

  it("learn from what a partner announces that it allows half of what they thought", async () => {
    const windowMs = 6_000;
    const quota = RATE * 6;
    let window = 0;
    let used = 0;
    const served = await callServer(
      (response, sinceMs) => {
        if (Math.floor(sinceMs / windowMs) > window) {
          window = Math.floor(sinceMs / windowMs);
          used = 0;
        }
        const allowed = used < quota;
        if (allowed) used++;
        const seconds = Math.ceil(((window + 1) * windowMs - sinceMs) / 1_000);
        response.setHeader("ratelimit-limit", quota);
        response.setHeader("ratelimit-remaining", quota - used);
        response.setHeader("ratelimit-reset", seconds);
        if (!allowed) response.setHeader("retry-after", seconds);
        return allowed ? 200 : 429;
      },
      { ratePerSecond: 2 * RATE, burst: RATE / 5, maxConcurrent: IN_FLIGHT },
      2 * windowMs,
      { reserve: IN_FLIGHT }, // when so many are left, those that are under way can still be answered
    );
    assertObedient(served, 2 * quota);
  });
});
