import assert from "node:assert/strict";
import { afterEach, describe, it, mock } from "node:test";

import { close, configureLimiter, createRateSync, limiter, listLimiters, tryAcquire } from "@ratesync/core";

import { PROTOCOL } from "../../src/base/brand.ts";

const SHARED = Symbol.for("@ratesync/core/default-instance");
const holder = globalThis as { [SHARED]?: unknown };

/** What another copy of the package leaves on `globalThis` when its default instance is used. */
function leaveDefault(protocol: number): ReturnType<typeof createRateSync> {
  const instance = createRateSync({ limiters: { theirs: { limit: 1, windowMs: 60_000 } } });
  holder[SHARED] = { protocol, instance, configured: true, foundNothing: false, ready: undefined };
  return instance;
}

describe("The default instance with two copies of the package", () => {
  afterEach(async () => {
    mock.restoreAll();
    await close();
    delete holder[SHARED];
  });

  it("is the one that the other copy made, where both have the same protocol", async () => {
    const theirs = leaveDefault(PROTOCOL);
    assert.equal((await tryAcquire("theirs")).allowed, true);
    assert.equal((await theirs.tryAcquire("theirs")).allowed, false);
    assert.equal(await limiter("theirs"), theirs.limiter("theirs"));
  });

  it("is closed for both copies when one closes it", async () => {
    const theirs = leaveDefault(PROTOCOL);
    await close();
    await assert.rejects(theirs.tryAcquire("theirs"), { code: "CLOSED" });
    assert.equal(holder[SHARED], undefined);
  });

  it("is separate where the other copy has another protocol, with one warning", async () => {
    const warn = mock.method(console, "warn", () => {});
    const theirs = leaveDefault(PROTOCOL + 1);
    configureLimiter("ours", { limit: 1, windowMs: 60_000 });
    assert.deepEqual(Object.keys(await listLimiters()), ["ours"]);
    assert.equal(warn.mock.callCount(), 1);
    assert.match(String(warn.mock.calls[0]?.arguments[0]), /two incompatible versions of @ratesync\/core/);
    await close();
    assert.equal((await theirs.tryAcquire("theirs")).allowed, true); // theirs is open still
  });
});
