import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync } from "@ratesync/core";

const rs = createRateSync({ limiters: { api: { ratePerSecond: 1 } } });

describe("What a call says", () => {
  it("is refused if an option is misspelt, with the nearest one", async () => {
    const options = { timeout: 5 } as object;
    await assert.rejects(rs.acquire("api", options), {
      name: "TypeError",
      message: 'Cannot ask limiter "api": there is no option "timeout"; did you mean "timeoutMs"?',
    });
    await assert.rejects(rs.tryAcquire("api", { Key: "user:1" } as object), /did you mean "key"\?/);
    await assert.rejects(rs.limiter("api").for("user:1").peek({ costs: 2 } as object), /did you mean "cost"\?/);
    await assert.rejects(rs.acquireAll([{ limiter: "api", keys: "x" } as never]), /did you mean "key"\?/);
  });

  it("is refused if it is no object", async () => {
    await assert.rejects(rs.acquire("api", "user:42" as never), {
      name: "TypeError",
      message: 'Cannot ask limiter "api": options must be an object, received "user:42"',
    });
    await assert.rejects(rs.tryAcquire("api", null as never), /options must be an object, received null/);
  });

  it("takes nothing if it is refused", async () => {
    const before = await rs.peek("api");
    await assert.rejects(rs.tryAcquire("api", { colour: 1 } as object), /options are "key"/);
    assert.equal((await rs.peek("api")).remaining, before.remaining);
  });
});
