import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";

import { createRateSync, type LimiterOptions } from "../../mod.ts";
import type { LimitedFetchOptions } from "../../src/http/outbound/mod.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { Fleet } from "./_fleet.ts";

const PROCESSES = 4;

/** What the server allows, a second: little, so that nothing depends on how busy the machine is. */
const RATE = 40;

/** How often to try: a machine that is busy for a second with something else says nothing about a limit. */
const TRIES = 3;

/** What a server did. */
interface Served {
  answered: number;
  refused: number;
}

/** A partner, and what a fleet believes of it. */
interface Scene {
  /** Answers a request with a status, so long after the first one. */
  readonly answer: (response: ServerResponse, sinceFirstMs: number) => Promise<number> | number;
  /** The limiter that the processes share. */
  readonly partner: LimiterOptions;
  /** Further options of the fetch. */
  readonly options?: Partial<LimitedFetchOptions>;
  /** How many calls at a time each process makes. */
  readonly lanes: number;
  /** For how long, in milliseconds. */
  readonly forMs: number;
}

/** Lets a fleet call a server for a while. Counts what arrives within `forMs` of the first request. */
async function callServer(fleet: Fleet, { answer, partner, options, lanes, forMs }: Scene): Promise<Served> {
  let firstMs: number | undefined;
  const served = { answered: 0, refused: 0 };
  const server = createServer(async (request, response) => {
    if (request.url === "/warm-up") return response.end();
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
    await fleet.run(shared, { server: url, lanes, forMs: forMs + 300, options });
    return served;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Asserts that at most 1 % were refused after the first, always, and that 95 % of what was allowed was used, at some time. */
async function assertObedient(fleet: Fleet, newScene: () => Scene, allowed: number): Promise<void> {
  let most = 0;
  for (let n = 0; n < TRIES && most < 0.95 * allowed; n++) {
    const { answered, refused } = await callServer(fleet, newScene());
    assert.ok(refused <= 1 + 0.01 * (answered + refused), `${refused} of ${answered + refused} were refused`);
    most = Math.max(most, answered);
  }
  assert.ok(most >= 0.95 * allowed, `${most} of ${allowed} were answered`);
}

describe(`${PROCESSES} processes with a limited fetch`, () => {
  let fleet: Fleet;
  before(async () => void (fleet = await Fleet.start("fetch_worker", PROCESSES)));
  after(async () => {
    await using ending = fleet;
    await ending.end();
  });

  it("use what a partner allows, and no more", async () => {
    const forMs = 6_000;
    await assertObedient(fleet, () => {
      const partner = createRateSync({ limiters: { api: { ratePerSecond: RATE, burst: RATE } } });
      return {
        async answer(response) {
          const decision = await partner.tryAcquire("api");
          for (const [name, value] of Object.entries(decision.headers())) response.setHeader(name, value);
          return decision.allowed ? 200 : 429;
        },
        partner: { ratePerSecond: RATE, burst: RATE / 2 },
        lanes: 4, // late calls come at most sixteen at a time: less than what the partner allows at once
        forMs,
      };
    }, RATE * forMs / 1_000);
  });

  it("learn from what a partner announces that it allows half of what they are configured for", async () => {
    const windowMs = 8_000;
    const quota = RATE * windowMs / 1_000;
    await assertObedient(fleet, () => {
      let window = 0;
      let used = 0;
      return {
        answer(response, sinceMs) {
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
        partner: { ratePerSecond: 2 * RATE, burst: RATE / 2 },
        options: { reserve: 2 * PROCESSES }, // when so many are left, those that are under way can still be answered
        lanes: 2,
        forMs: 2 * windowMs,
      };
    }, 2 * quota);
  });
});
