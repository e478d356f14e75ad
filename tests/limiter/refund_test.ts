import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createRateSync, type LimiterOptions } from "../../mod.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

const WINDOW = { limit: 10, windowMs: 10_000 };

/** How long calls are denied after a penalty of 25 units, after a refund of as many, and when the first window has ended. */
const WAITS: readonly (readonly [options: LimiterOptions, penalty: number, refund: number, later: number])[] = [
  [{ algorithm: "token_bucket", ...WINDOW }, 16_000, 0, 0],
  [{ algorithm: "sliding_window", ...WINDOW }, 20_000, 20_000, 10_000],
  [{ algorithm: "fixed_window", ...WINDOW }, 20_000, 20_000, 10_000],
  [{ algorithm: "sliding_window_counter", ...WINDOW }, 36_000, 36_000, 26_000],
];

describe("Limiter.refund()", () => {
  for (const [options, penalty, refund, later] of WAITS) {
    const { algorithm } = options as { readonly algorithm: string };
    it(`undoes what penalize() has charged to the present window of a ${algorithm}, and reset() all of it`, async () => {
      const clock = new FakeClock();
      await using rs = createRateSync({ clock, limiters: { api: options } });
      const waitMs = async () => (await rs.peek("api")).retryAfterMs;
      await rs.penalize("api", 7);
      await rs.refund("api", 7);
      assert.equal((await rs.peek("api")).remaining, 10);
      await rs.penalize("api", 25);
      assert.equal(await waitMs(), penalty);
      await rs.refund("api", 25);
      assert.equal(await waitMs(), refund);
      await clock.advance(10_000);
      assert.equal(await waitMs(), later);
      await rs.reset("api");
      assert.equal((await rs.peek("api")).remaining, 10);
    });
  }
});
