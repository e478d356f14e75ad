import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { createRateSync, type LimiterOptions } from "../../mod.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { Fleet, type Shared, total } from "./_fleet.ts";

const PROCESSES = 4;
const TRIES = 100;
const HOUR_MS = 3_600_000;

function shared(limiters: Record<string, LimiterOptions>): Shared {
  return { url: redisUrl(), prefix: freshPrefix(), limiters };
}

/** Processes of a worker for the tests around. They end by themselves after the last one. */
function fleetOf(worker: string): { run: Fleet["run"] } {
  let fleet: Fleet | undefined;
  before(async () => void (fleet = await Fleet.start(worker, PROCESSES)));
  after(async () => {
    await using ending = fleet;
    await ending?.end();
  });
  return { run: (...job) => (fleet as Fleet).run(...job) };
}

/** What is left in a limiter, as a process that took no part sees it. */
async function remaining({ url, prefix, limiters }: Shared, id: string): Promise<number> {
  await using rs = createRateSync({ stores: { shared: { engine: "redis", url, keyPrefix: prefix } }, limiters });
  return (await rs.peek(id)).remaining;
}

/** Limits that gain nothing while a test runs: all that is admitted is what they hold. */
const LIMITS: readonly [name: string, options: LimiterOptions, admits: number][] = [
  ["token_bucket", { limit: 50, windowMs: 10 * HOUR_MS }, 50],
  ["sliding_window", { algorithm: "sliding_window", limit: 50, windowMs: HOUR_MS }, 50],
  // Windows of the counter begin at multiples of their length: the next one of these in the year 2039.
  ["sliding_window_counter", { algorithm: "sliding_window_counter", limit: 50, windowMs: 1.1e12 }, 50],
  ["fixed_window", { algorithm: "fixed_window", limit: 50, windowMs: HOUR_MS }, 50],
  ["token_bucket, asked every time", { limit: 50, windowMs: 10 * HOUR_MS, denyCacheMs: 0 }, 50],
  ["several limits", {
    limits: [
      { algorithm: "sliding_window", limit: 60, windowMs: HOUR_MS },
      { algorithm: "fixed_window", limit: 40, windowMs: HOUR_MS },
      { limit: 70, windowMs: 10 * HOUR_MS },
    ],
  }, 40],
];

describe(`${PROCESSES} processes that try ${TRIES} times each`, () => {
  const processes = fleetOf("try_worker");

  for (const [name, options, admits] of LIMITS) {
    it(`admit exactly what the law allows, with ${name}`, async () => {
      const fleet = shared({ api: options });
      const reports = await processes.run(fleet, { tries: TRIES, ids: ["api"] });
      assert.equal(total(reports, "allowed"), admits);
      const denied = reports.reduce((sum, report) => sum + (report.denied["rate"] ?? 0), 0);
      assert.equal(denied, PROCESSES * TRIES - admits, "each of the others was told: denied for want of rate");
      assert.equal(await remaining(fleet, "api"), 0);
    });
  }

  it("admit no more with token leases, and leave unused units", async () => {
    const fleet = shared({ api: { limit: 351, windowMs: 1_000 * HOUR_MS, tokenLeaseMs: 10_000 } });
    const reports = await processes.run(fleet, { tries: TRIES, ids: ["api"] });
    const allowed = total(reports, "allowed");
    // A call that finds no unit while others hold some is denied: that is the price of leases.
    assert.ok(allowed > 100 && allowed <= 350, `${allowed} of 350`);
    assert.equal(await remaining(fleet, "api"), 350 - allowed);
  });

  it("take from all limiters or from none", async () => {
    const fleet = shared({
      scarce: { limit: 30, windowMs: 10 * HOUR_MS },
      ample: { algorithm: "sliding_window", limit: 100, windowMs: HOUR_MS },
    });
    const reports = await processes.run(fleet, { tries: 50, ids: ["ample", "scarce"] });
    assert.equal(total(reports, "allowed"), 30);
    assert.equal(await remaining(fleet, "scarce"), 0);
    assert.equal(await remaining(fleet, "ample"), 70, "denied calls left the other limiter alone");
  });

  it("spend exactly the rate of a limiter with slots, and never hold more than its slots", async () => {
    const fleet = shared({ api: { limit: 50, windowMs: 10 * HOUR_MS, maxConcurrent: 3 } });
    const work = { tries: 5_000, ids: ["api"], untilSpent: true };
    const reports = await processes.run(fleet, work);
    assert.equal(total(reports, "allowed"), 50);
    for (const { mostInside } of reports) assert.ok(mostInside <= 3, `${mostInside} were inside`);
  });
});

describe(`${PROCESSES} processes that hold slots`, () => {
  const processes = fleetOf("hold_worker");

  it("never hold more than there are, and all are served", async () => {
    const fleet = shared({ slots: { maxConcurrent: 3, leaseTtlMs: 30_000 } });
    const work = { id: "slots", lanes: 4, rounds: 10, holdMs: 20 };
    const reports = await processes.run(fleet, work);
    assert.equal(total(reports, "allowed"), PROCESSES * 4 * 10);
    for (const { mostInside } of reports) assert.ok(mostInside <= 3, `${mostInside} were inside`);
    assert.equal(await remaining(fleet, "slots"), 3);
  });

  it("never hold more than there are with a rate as well", async () => {
    const fleet = shared({ api: { ratePerSecond: 200, burst: 20, maxConcurrent: 2, leaseTtlMs: 30_000 } });
    const work = { id: "api", lanes: 4, rounds: 8, holdMs: 10 };
    const reports = await processes.run(fleet, work);
    assert.equal(total(reports, "allowed"), PROCESSES * 4 * 8);
    for (const { mostInside } of reports) assert.ok(mostInside <= 2, `${mostInside} were inside`);
  });

  it("hold them longer than the lease lasts: it is renewed", async () => {
    const fleet = shared({ slots: { maxConcurrent: 2, leaseTtlMs: 2_000 } });
    const work = { id: "slots", lanes: 1, rounds: 1, holdMs: 5_000 };
    const reports = await processes.run(fleet, work);
    assert.equal(total(reports, "allowed"), PROCESSES);
    for (const { mostInside } of reports) assert.ok(mostInside <= 2, `${mostInside} were inside`);
  });
});
