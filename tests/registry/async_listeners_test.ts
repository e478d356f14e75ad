import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync, type Logger, type Observer } from "@ratesync/core";
import { createGuard, type GuardOptions } from "@ratesync/core/http";
import { limitedFetch, type LimitedFetchOptions } from "@ratesync/core/outbound";

/** A function of a user that is called and not awaited. */
type Listener = (...args: unknown[]) => unknown;

function loggerOf(write: Listener): Logger {
  return { debug: write, info: write, warn: write, error: write };
}

const limiters = { api: { algorithm: "fixed_window", limit: 1, windowMs: 60_000 } } as const;

function instance(log: Listener) {
  return createRateSync({ logger: loggerOf(log), limiters });
}

/** An instance whose store is not there: nothing listens on the port. */
function without(log: Listener) {
  const stores = { main: { engine: "redis", url: "redis://127.0.0.1:1" } } as const;
  return createRateSync({ logger: loggerOf(log), stores, limiters });
}

async function observe(log: Listener, observer: Observer): Promise<void> {
  await using rs = instance(log);
  rs.observe(observer);
  await rs.tryAcquire("api");
}

async function guard(log: Listener, options: Partial<GuardOptions>): Promise<void> {
  await using rs = instance(() => {});
  const guard = createGuard({ limiter: "api", rateSync: rs, logger: { warn: log }, key: () => "all", ...options });
  await guard.admit({ method: "GET", url: "/", headers: {}, peer: undefined });
}

async function outbound(log: Listener, options: Partial<LimitedFetchOptions>): Promise<void> {
  await using rs = instance(() => {});
  const refuse = () => Promise.resolve(new Response(null, { status: 429, headers: { "retry-after": "9" } }));
  const limited = limitedFetch(refuse, {
    rateSync: rs,
    limiter: "api",
    maxRetries: 0,
    logger: loggerOf(log),
    ...options,
  });
  await limited("https://partner.example/");
}

/** Where such functions can be given, with what calls each of them. */
const PLACES: Record<string, (listener: Listener, log: Listener) => Promise<void>> = {
  async subscribe(listener, log) {
    await using rs = instance(log);
    rs.subscribe("api", listener);
    await rs.tryAcquire("api");
  },
  async subscribeStores(listener, log) {
    await using rs = without(log);
    rs.subscribeStores(listener);
    await rs.tryAcquire("api");
  },
  observe: (listener, log) => observe(log, { decided: listener }),
  onDecision: (listener, log) => guard(log, { onDecision: listener }),
  onThrottled: (listener, log) => outbound(log, { onThrottled: listener }),
};

/** Those whose failures nothing can be told of. */
const SILENT: Record<string, (listener: Listener) => Promise<void>> = {
  async logger(listener) {
    await using rs = without(listener);
    await rs.tryAcquire("api");
  },
  "logger of a guard": (listener) => guard(listener, { key: () => "" }),
  "logger of limitedFetch": (listener) => outbound(listener, { readLimit: () => Promise.reject(new Error("no")) }),
  onError: (listener) => guard(() => {}, { key: () => "", onError: listener }),
};

/** A promise that rejects as soon as its errors are asked for. A real one would end the process if they are not. */
class Rejecting {
  heard = 0;
  readonly call: Listener = () => this;

  then(_: unknown, rejected: (error: Error) => void): void {
    this.heard++;
    rejected(new Error("the listener has failed"));
  }
}

describe("A listener that is an async function and rejects", () => {
  for (const [name, use] of Object.entries(PLACES)) {
    it(`is logged, and ends no process: ${name}`, async () => {
      const logged: unknown[] = [];
      const listener = new Rejecting();
      await use(listener.call, (_, error) => void logged.push(error));
      await new Promise(setImmediate);
      assert.ok(listener.heard > 0);
      assert.ok(logged.some((error) => error instanceof Error && error.message === "the listener has failed"));
    });
  }
  for (const [name, use] of Object.entries(SILENT)) {
    it(`is ignored, and ends no process: ${name}`, async () => {
      const listener = new Rejecting();
      await use(listener.call);
      await new Promise(setImmediate);
      assert.ok(listener.heard > 0);
    });
  }
});
