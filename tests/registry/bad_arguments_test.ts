import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import { type AskFor, configure, createRateSync, rateLimited, RateSyncError, subscribeStores } from "../../mod.ts";
import { createDashboard } from "../../src/dashboard/mod.ts";
import { expressRateLimitStore } from "../../src/http/express-rate-limit/mod.ts";
import { rateLimit } from "../../src/http/fastify/mod.ts";
import { guardHandler } from "../../src/http/fetch/mod.ts";
import { byApiKey, byBody, byHeader, byIp, createGuard, firstOf, responseBytes } from "../../src/http/mod.ts";
import { guardHandler as guardNode } from "../../src/http/node/mod.ts";
import { limitedFetch } from "../../src/http/outbound/mod.ts";
import { MemoryStore } from "../../src/stores/memory/mod.ts";
import { createNatsStore } from "../../src/stores/nats/mod.ts";
import { createPostgresStore, postgresGrants, postgresSetup } from "../../src/stores/postgres/mod.ts";
import { createRedisStore } from "../../src/stores/redis/mod.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import { failureOf } from "./_errors.ts";

/** Values of every type. */
const VALUES = {
  undefined: undefined,
  null: null,
  true: true,
  five: 5,
  fraction: 1.5,
  negative: -1,
  NaN,
  Infinity,
  bigint: 10n,
  text: "text",
  empty: "",
  array: [5],
  rows: [{}],
  object: {},
  unknown: { zzz: 1 },
  function: () => undefined,
  symbol: Symbol("x"),
} as const;

type Value = keyof typeof VALUES;

const rs = createRateSync({ limiters: { api: { limit: 1e6, windowMs: 60_000 }, slots: { maxConcurrent: 1_000 } } });
const api = rs.limiter("api");
const ignore = () => {};

/** Each call, with the values that it takes. Every other one must be refused, by an error that says so. */
const CALLS: Readonly<Record<string, readonly [takes: readonly Value[], call: (value: never) => unknown]>> = {
  // Whole arguments.
  "acquire(limiter)": [[], (v) => rs.acquire(v)],
  "acquire(options)": [["undefined", "object"], (v) => rs.acquire("api", v)],
  "tryAcquire(options)": [["undefined", "object"], (v) => rs.tryAcquire("api", v)],
  "tryAcquireSync(options)": [["undefined", "object", "text"], (v) => rs.tryAcquireSync("api", v)],
  "peek(options)": [["undefined", "object"], (v) => rs.peek("api", v)],
  "explain(options)": [["undefined", "object"], (v) => rs.explain("api", v)],
  "reserve(options)": [["undefined", "object"], (v) => rs.reserve("api", v)],
  "run(fn)": [["function"], (v) => rs.run("api", v)],
  "run(options)": [["undefined", "object"], (v) => rs.run("api", ignore, v)],
  "acquireAll(requests)": [[], (v) => rs.acquireAll(v)],
  "acquireAll(options)": [["undefined", "object"], (v) => rs.acquireAll([{ limiter: "api" }], v)],
  "tryAcquireAll(requests)": [[], (v) => rs.tryAcquireAll(v)],
  "tryAcquireAll([request])": [[], (v) => rs.tryAcquireAll([v])],
  "rateLimited(fn)": [["function"], (v) => rs.rateLimited(v, { limiter: "api" })],
  "rateLimited(options)": [[], (v) => rateLimited(ignore, v)],
  "reset(options)": [["undefined", "object"], (v) => rs.reset("api", v)],
  "refund(units)": [["five"], (v) => rs.refund("api", v)],
  "refund(options)": [["undefined", "object"], (v) => rs.refund("api", 1, v)],
  "penalize(units)": [["five"], (v) => rs.penalize("api", v)],
  "penalize(options)": [["undefined", "object"], (v) => rs.penalize("api", 1, v)],
  "block(durationMs)": [["five", "fraction"], (v) => rs.block("api", v, { key: "blocked" })],
  "block(options)": [["undefined", "object"], (v) => rs.block("api", 0, v)],
  "for(key)": [["text"], (v) => api.for(v).peek()],
  "for(key).acquire(options)": [["undefined", "null", "object"], (v) => api.for("a").acquire(v)],
  "for(key).tryAcquire(options)": [["undefined", "null", "object"], (v) => api.for("a").tryAcquire(v)],
  "subscribe(listener)": [["function"], (v) => api.subscribe(v)()],
  "subscribeStores(listener)": [["function"], (v) => subscribeStores(v)()],
  "heavyHitters(options)": [["undefined", "object"], (v) => rs.heavyHitters("api", v)],
  "limiter(id)": [[], (v) => rs.limiter(v)],
  "check(store)": [["undefined"], (v) => rs.check(v)],
  "configure(options)": [["object"], (v) => configure(v)],
  "configureStore(id)": [["text"], (v) => createRateSync().configureStore(v, { engine: "memory" })],
  "configureLimiter(id)": [["text"], (v) => createRateSync().configureLimiter(v, { ratePerSecond: 1 })],
  "loadConfig(path)": [[], (v) => createRateSync().loadConfig(v ?? "/no/such/file")],
  "loadConfig(options)": [[], (v) => createRateSync().loadConfig("/no/such/file", v)],
  "close(options)": [["undefined", "object"], (v) => createRateSync().close(v)],
  "createRateSync(options)": [["undefined", "object"], (v) => createRateSync(v)],
  // Options of calls.
  "acquire({ signal })": [["undefined", "null"], (signal) => rs.acquire("api", { signal })],
  "acquire({ timeoutMs })": [
    ["undefined", "five", "fraction", "Infinity"],
    (timeoutMs) => rs.acquire("api", { timeoutMs }),
  ],
  "acquire({ key })": [["undefined", "text"], (key) => rs.acquire("api", { key })],
  "acquire({ cost })": [["undefined", "five"], (cost) => rs.acquire("api", { cost })],
  "acquire({ keyClass })": [["undefined", "text"], (keyClass) => rs.acquire("api", { keyClass })],
  "reserve({ signal })": [["undefined", "null"], (signal) => rs.reserve("api", { signal })],
  "reserve({ timeoutMs })": [
    ["undefined", "five", "fraction", "Infinity"],
    (timeoutMs) => rs.reserve("api", { timeoutMs }),
  ],
  "acquireAll(, { signal })": [["undefined", "null"], (signal) => rs.acquireAll([{ limiter: "api" }], { signal })],
  "acquireAll(, { timeoutMs })": [
    ["undefined", "five", "fraction", "Infinity"],
    (timeoutMs) => rs.acquireAll([{ limiter: "api" }], { timeoutMs }),
  ],
  "acquireAll([{ limiter }])": [[], (limiter) => rs.acquireAll([{ limiter }])],
  "acquireAll([{ zzz }])": [[], (zzz) => rs.acquireAll([{ limiter: "api", zzz } as AskFor<"api">])],
  "rateLimited({ key })": [["undefined", "function"], (key) => rs.rateLimited(ignore, { limiter: "api", key })],
  "rateLimited({ cost })": [["undefined", "function"], (cost) => rs.rateLimited(ignore, { limiter: "api", cost })],
  "reset({ key })": [["undefined", "text"], (key) => rs.reset("api", { key })],
  "block({ keepLonger })": [["undefined", "true"], (keepLonger) => rs.block("api", 0, { keepLonger })],
  "heavyHitters({ count })": [["undefined", "five"], (count) => rs.heavyHitters("api", { count })],
  "limiters.a.store": [["undefined"], (store) => createRateSync({ limiters: { a: { ratePerSecond: 1, store } } })],
  // What is made beside instances.
  "new MemoryStore()": [["undefined", "object"], (v) => new MemoryStore(v)],
  "new MemoryStore({ maxKeys })": [["undefined", "five"], (maxKeys) => new MemoryStore({ maxKeys })],
  "new MemoryStore({ clock })": [["undefined"], (clock) => new MemoryStore({ clock })],
  "createRedisStore()": [[], (v) => createRedisStore(v)],
  "createRedisStore(, extras)": [["undefined", "object"], (v) => createRedisStore({ url: "redis://h" }, v)],
  "createNatsStore()": [[], (v) => createNatsStore(v)],
  "createNatsStore(, extras)": [["undefined", "object"], (v) => createNatsStore({ url: "nats://h" }, v)],
  "createPostgresStore()": [[], (v) => createPostgresStore(v)],
  "createPostgresStore(, extras)": [["undefined", "object"], (v) => createPostgresStore({ url: "postgres://h/d" }, v)],
  "postgresSetup()": [["undefined", "object"], (v) => postgresSetup(v)],
  "postgresGrants()": [["object"], (v) => postgresGrants(v, "role")],
  "postgresGrants(, role)": [["text"], (v) => postgresGrants({}, v)],
  "new FakeClock()": [["undefined", "five", "fraction", "negative"], (v) => new FakeClock(v)],
  "FakeClock.set()": [["five", "fraction", "negative"], (v) => new FakeClock().set(v)],
  "FakeClock.advance()": [["five", "fraction"], (v) => new FakeClock().advance(v)],
  "createDashboard(rs)": [[], (v) => createDashboard(v)],
  "createDashboard(rs, options)": [["undefined", "object"], (v) => createDashboard(rs, v)],
  "expressRateLimitStore()": [["undefined", "object"], (v) => expressRateLimitStore(v)],
  "expressRateLimitStore({ store })": [["undefined", "text", "empty"], (store) => expressRateLimitStore({ store })],
  "expressRateLimitStore({ onStoreError })": [["undefined"], (onStoreError) => expressRateLimitStore({ onStoreError })],
  "fastify rateLimit(options), not a plugin": [[], (v) => (rateLimit as (options: unknown) => void)(v)],
  "fetch guardHandler(handler)": [["function"], (v) => guardHandler(v, { limiter: "api", rateSync: rs })],
  "fetch guardHandler(, options)": [[], (v) => guardHandler(() => new Response(), v)],
  "node guardHandler(handler)": [["function"], (v) => guardNode(v, { limiter: "api", rateSync: rs })],
  "byIp()": [["undefined", "object"], (v) => byIp(v)],
  "byHeader()": [["text"], (v) => byHeader(v)],
  "byBody()": [["text"], (v) => byBody(v)],
  "byApiKey({ known })": [["undefined", "function"], (known) => byApiKey({ known })],
  "firstOf()": [["function"], (v) => firstOf(v)],
  "responseBytes()": [["undefined", "five", "fraction"], (v) => responseBytes(v)],
  "limitedFetch(fetch)": [["function"], (v) => limitedFetch(v, { limiter: "api", rateSync: rs })],
  "limitedFetch(, options)": [[], (v) => limitedFetch(fetch, v)],
};

/** The options of guards and of `limitedFetch`, with the values that each takes. */
const OPTIONS: Readonly<Record<string, readonly [(options: object) => unknown, Readonly<Record<string, Value[]>>]>> = {
  "createGuard()": [(options) => createGuard({ limiter: "api", rateSync: rs, ...options }), {
    limiter: [],
    rateSync: ["undefined"],
    key: ["undefined", "function"],
    keyClass: ["undefined", "text"],
    cost: ["undefined", "five", "function"],
    settle: ["undefined", "function"],
    skip: ["undefined", "function"],
    skipPreflights: ["undefined", "true"],
    allow: ["undefined", "object"],
    block: ["undefined", "object"],
    exposeHeaders: ["undefined", "true"],
    explain: ["undefined", "true"],
    onDenied: ["undefined", "function"],
    onDecision: ["undefined", "function"],
    onError: ["undefined", "function"],
    logger: ["undefined"],
  }],
  "createGuard({ block })": [(block) => createGuard({ limiter: "api", rateSync: rs, block }), {
    networks: ["undefined"],
    keys: ["undefined"],
  }],
  "createGuard({ limiter: [rule] })": [
    (rule) => createGuard({ rateSync: rs, limiter: [{ limiter: "api", ...rule }] }),
    {
      limiter: [],
      key: ["undefined", "function"],
      keyClass: ["undefined", "text"],
      cost: ["undefined", "five", "function"],
      settle: ["undefined", "function"],
    },
  ],
  "limitedFetch()": [(options) => limitedFetch(fetch, { limiter: "api", rateSync: rs, ...options }), {
    limiter: [],
    key: ["undefined", "text", "function"],
    cost: ["undefined", "five", "function"],
    timeoutMs: ["undefined", "five", "fraction", "Infinity"],
    maxRetries: ["undefined", "five"],
    retryBudget: ["undefined"],
    retryMethods: ["undefined"],
    retryNetworkErrors: ["undefined", "true"],
    refusals: ["undefined"],
    heedRemaining: ["undefined", "true"],
    reserve: ["undefined", "five"],
    maxPauseMs: ["undefined", "five", "fraction"],
    backoffMs: ["undefined", "five", "fraction"],
    maxBackoffMs: ["undefined"],
    limitHeaders: ["undefined"],
    readLimit: ["undefined", "function"],
    onThrottled: ["undefined", "function"],
    logger: ["undefined"],
  }],
  "limitedFetch({ limitHeaders: [row] })": [
    (row) =>
      limitedFetch(fetch, { limiter: "api", rateSync: rs, limitHeaders: [{ remaining: "a", reset: "b", ...row }] }),
    { remaining: ["undefined", "text"], reset: ["text"], unit: ["undefined"] },
  ],
};

describe("Bad arguments", () => {
  for (const [name, [takes, call]] of Object.entries(CALLS)) {
    it(`${name} refuses every value that it cannot use`, () => assertRefused(takes, call));
  }
  for (const [holder, [make, options]] of Object.entries(OPTIONS)) {
    it(`${holder} names an option that it does not have`, async () => {
      assert.match((await failureOf(() => make({ zzz: 1 }))).message, /zzz/);
    });
    for (const [option, takes] of Object.entries(options)) {
      it(`${holder} refuses every ${option} that it cannot use`, async () => {
        await assertRefused(takes, (value) => make({ [option]: value }), option);
      });
    }
  }
});

/** Calls with each value. A refusal is an error of this package, or a typed one that begins as those of this package do. */
async function assertRefused(takes: readonly Value[], call: (value: never) => unknown, named = ""): Promise<void> {
  for (const [name, value] of Object.entries(VALUES)) {
    if (takes.includes(name as Value)) {
      await call(value as never);
      continue;
    }
    const error = await failureOf(() => call(value as never));
    const said = `${name}: ${inspect(error.message)}`;
    assert.ok(RateSyncError.is(error) || error instanceof TypeError || error instanceof RangeError, said);
    assert.match(
      error.message,
      /^Cannot (?:ask|use|find|wait|block|run|limit|subscribe|observe|set|advance|read|register)[ :]/,
      said,
    );
    assert.doesNotMatch(error.message, /\[object|undefined is|is not a|of undefined|of null/, said);
    assert.ok(error.message.includes(named) && error.message.length < 900, said);
  }
}
