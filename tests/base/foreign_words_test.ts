import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { didYouMean } from "../../src/base/foreign_words.ts";
import { HTTP_WORDS } from "../../src/http/foreign_words.ts";

const LIMITER = ["algorithm", "ratePerSecond", "limit", "windowMs", "burst", "limits", "maxConcurrent", "leaseTtlMs"];
const LIMITER_TOML = ["algorithm", "rate_per_second", "limit", "window_seconds", "window", "lease_ttl"];
const STORE = ["engine", "url", "password", "username", "db", "cluster", "client", "keyPrefix", "tlsInsecure"];
const CALL = ["key", "cost", "timeoutMs", "signal"];
const GUARD = ["limiter", "key", "cost", "statusCode", "headers", "onDenied", "skip", "settle", "allow", "block"];
const ENGINES = ["memory", "redis", "nats", "postgres"];

/** What other packages write, where, and our word. */
const FOREIGN: readonly (readonly [theirs: string, known: readonly string[], ours: string])[] = [
  ["max", LIMITER, "limit"],
  ["points", LIMITER, "limit"],
  ["tokensPerInterval", LIMITER, "limit"],
  ["duration", LIMITER, "windowMs"],
  ["interval", LIMITER, "windowMs"],
  ["timeWindow", LIMITER_TOML, "window_seconds"],
  ["windowMs", LIMITER_TOML, "window_seconds"],
  ["windowSeconds", LIMITER, "windowMs"],
  ["leaseTtlMs", LIMITER_TOML, "lease_ttl"],
  ["rate", LIMITER_TOML, "rate_per_second"],
  ["concurrency", LIMITER, "maxConcurrent"],
  ["points", CALL, "cost"],
  ["weight", CALL, "cost"],
  ["keyGenerator", CALL, "key"],
  ["storage_uri", STORE, "url"],
  ["redis", STORE, "client"],
  ["nodes", STORE, "cluster"],
  ["rejectUnauthorized", STORE, "tlsInsecure"],
  ["keyGenerator", GUARD, "key"],
  ["message", GUARD, "onDenied"],
  ["standardHeaders", GUARD, "headers"],
  ["skipSuccessfulRequests", GUARD, "settle"],
  ["whitelist", GUARD, "allow"],
  ["draft-8", ["draft-11", "draft-7", "draft-6"], "draft-11"],
  ["leaky_bucket", ["token_bucket", "sliding_window", "fixed_window"], "token_bucket"],
  ["rolling", ["token_bucket", "sliding_window", "fixed_window"], "sliding_window"],
  ["valkey", ENGINES, "redis"],
  ["pg", ENGINES, "postgres"],
  ["jetstream", ENGINES, "nats"],
  ["local", ENGINES, "memory"],
  ["memory", ["local", "allow", "deny", "throw"], "local"],
  ["qps", LIMITER, "ratePerSecond"],
  ["keyFn", GUARD, "key"],
  ["rate", CALL, "cost"],
  ["user", CALL, "key"],
  ["user", STORE, "username"],
  ["execEvenly", LIMITER, "ratePerSecond"],
  ["tls", STORE, "url"],
];

describe("didYouMean()", () => {
  for (const [theirs, known, ours] of FOREIGN) {
    it(`names ${ours} for ${theirs} of another package, where ${known[0]} is known`, () => {
      assert.equal(didYouMean(theirs, known, HTTP_WORDS), `did you mean "${ours}"?`);
    });
  }

  it("names the place of an option that belongs elsewhere", () => {
    assert.equal(didYouMean("keyGenerator", LIMITER), 'did you mean "key", an option of each call?');
    assert.equal(didYouMean("keyPrefix", LIMITER), 'did you mean "keyPrefix", an option of Redis stores?');
    assert.equal(didYouMean("points", GUARD, HTTP_WORDS), 'did you mean "cost"?');
    assert.equal(didYouMean("windowMs", GUARD, HTTP_WORDS), 'did you mean "windowMs", an option of limiters?');
    assert.equal(didYouMean("limit", GUARD, HTTP_WORDS), 'did you mean "limit", an option of limiters?');
    assert.equal(didYouMean("store", GUARD, HTTP_WORDS), 'did you mean "store", an option of limiters?');
    assert.equal(
      didYouMean("onStoreError", [...GUARD, "throwStoreErrors"]),
      'did you mean "onStoreError", an option of limiters?',
    );
    assert.equal(didYouMean("hook", GUARD, HTTP_WORDS), 'did you mean "hook", an option of the Fastify plugin?');
    assert.equal(didYouMean("stor", GUARD), undefined);
    assert.equal(didYouMean("store", ["stores", "limiters"]), 'did you mean "stores"?');
  });

  it("names the method for what is no option here, and says what to leave out", () => {
    assert.equal(didYouMean("blockDuration", LIMITER), 'did you mean "block()", a method of instances?');
    assert.equal(didYouMean("analytics", LIMITER), 'did you mean "metrics()", a method of instances?');
    for (const word of ["validate", "enableOfflineQueue"]) {
      assert.equal(didYouMean(word, STORE, HTTP_WORDS), "leave it out: it has no counterpart");
    }
  });

  it("names the nearest known word for one that is misspelt", () => {
    assert.equal(didYouMean("ratePerSecnod", LIMITER), 'did you mean "ratePerSecond"?');
    assert.equal(didYouMean("pasword", STORE), 'did you mean "password"?');
  });

  it("returns undefined if no word is near", () => {
    for (const word of ["", "colour", "a".repeat(100_000), "__proto__", "constructor"]) {
      assert.equal(didYouMean(word, LIMITER, HTTP_WORDS), undefined);
    }
  });
});
