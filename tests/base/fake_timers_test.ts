import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { acquire, close, configureLimiter, createRateSync, tryAcquire } from "@ratesync/core";
import { runWorker } from "../_support/processes.ts";
import { type FakeApi, installMock, installSinon, settled } from "./_fakes.ts";

const WINDOW = { algorithm: "fixed_window", limit: 1, windowMs: 60_000 } as const;
const PACE = { ratePerSecond: 2, burst: 1 } as const;

const LIBRARIES = [
  {
    library: "@sinonjs/fake-timers (Jest, Vitest, Sinon)",
    install: installSinon,
    combinations: [
      ["Date"],
      ["performance"],
      ["setTimeout"],
      ["Date", "performance"],
      ["Date", "setTimeout"],
      ["performance", "setTimeout"],
      ["Date", "performance", "setTimeout"],
    ],
  },
  {
    library: "node:test's mock.timers",
    install: installMock,
    combinations: [["Date"], ["setTimeout"], ["Date", "setTimeout"]],
  },
] as const;

/** What fakes may show when they are installed. */
const STARTS = { "0": () => 0, "the present": () => Date.now(), "the year 2000": () => Date.UTC(2_000) };

for (const { library, install, combinations } of LIBRARIES) {
  describe(`Fake timers of ${library}`, () => {
    for (const apis of combinations as readonly (readonly FakeApi[])[]) {
      const drivesTime = apis.some((api) => api !== "setTimeout");
      for (const [start, now] of Object.entries(STARTS)) {
        it(`${drivesTime ? "drive" : "do not drive"} the windows of the memory store: ${apis.join(", ")} from ${start}`, async () => {
          await using rs = createRateSync({ limiters: { old: WINDOW, fresh: WINDOW } });
          await rs.tryAcquire("old");
          const fakes = install(apis, now());
          try {
            assert.equal((await rs.tryAcquire("fresh")).allowed, true);
            fakes.tick(50_000);
            assert.equal((await rs.tryAcquire("old")).allowed, false);
            fakes.tick(9_999);
            // Of the machine's clock, some time passes between two lines of this test.
            if (drivesTime) assert.equal((await rs.tryAcquire("fresh")).allowed, false);
            fakes.tick(1);
            assert.equal((await rs.tryAcquire("fresh")).allowed, drivesTime);
            fakes.tick(1);
            assert.equal((await rs.tryAcquire("old")).allowed, drivesTime);
          } finally {
            fakes.uninstall();
          }
          const { allowed, retryAfterMs } = await rs.tryAcquire("fresh");
          assert.equal(allowed, false);
          assert.ok(retryAfterMs > 0 && retryAfterMs <= 60_000, `${retryAfterMs} ms`);
        });
      }

      if (!apis.includes("setTimeout")) continue;
      it(`fire the timer of a call that waits: ${apis.join(", ")}`, async () => {
        await using rs = createRateSync({ limiters: { pace: { ratePerSecond: 0.01, burst: 1 } } });
        await rs.acquire("pace");
        const fakes = install(apis, Date.now());
        try {
          let waited = false;
          const waiting = rs.acquire("pace", { timeoutMs: 200_000 }).then(() => waited = true);
          await settled();
          fakes.tick(90_000);
          await settled();
          assert.equal(waited, false);
          fakes.tick(10_001);
          await settled();
          assert.equal(waited, true);
          await waiting;
        } finally {
          fakes.uninstall();
        }
      });
    }

    it("count what they were moved on before the first call under them", async () => {
      await using rs = createRateSync({ limiters: { window: WINDOW } });
      await rs.tryAcquire("window");
      for (const start of [0, Date.now()]) {
        const fakes = install(["Date", "setTimeout"], start);
        fakes.tick(60_001);
        const { allowed } = await rs.tryAcquire("window");
        fakes.uninstall();
        assert.equal(allowed, true, `from ${start}`);
      }
    });

    it("drive the default instance", async () => {
      configureLimiter("window", WINDOW);
      configureLimiter("pace", PACE);
      await tryAcquire("window");
      await acquire("pace");
      const fakes = install(["Date", "setTimeout"], 0);
      try {
        fakes.tick(60_001);
        assert.equal((await tryAcquire("window")).allowed, true);
        await acquire("pace");
        let waited = false;
        const waiting = acquire("pace").then(() => waited = true);
        await settled();
        assert.equal(waited, false);
        fakes.tick(500);
        await waiting;
      } finally {
        fakes.uninstall();
        await close();
      }
    });

    it("leave real waits alone once they are removed", async () => {
      await using rs = createRateSync({ limiters: { pace: { ratePerSecond: 20, burst: 1 } } });
      for (let round = 0; round < 3; round++) {
        const fakes = install(["Date", "setTimeout"], 0);
        fakes.tick(3_600_000);
        await rs.tryAcquire("pace");
        fakes.uninstall();
        const startMs = performance.now();
        await rs.acquire("pace");
        await rs.acquire("pace");
        assert.ok(performance.now() - startMs >= 49, "it did not wait");
      }
    });
  });
}

describe("Fake timers that were installed before the package was loaded", () => {
  for (const [library, apis] of [["sinon", "Date,performance,setTimeout"], ["mock", "Date,setTimeout"]] as const) {
    it(`drive it, and it goes on in real time without them: ${library}`, async () => {
      const { stdout, stderr } = await runWorker("base/fake_timers_worker", [library, apis]);
      assert.equal(stdout.trim(), "true false true false true false", stderr);
    });
  }
});
