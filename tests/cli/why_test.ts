import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import type { ExplanationData, RateSync } from "../../mod.ts";
import { createRateSync } from "../../mod.ts";
import { ratesync, ratesyncJson } from "../_support/cli.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";

describe("ratesync why", () => {
  const folder = mkdtempSync(join(tmpdir(), "ratesync-why-"));
  const config = join(folder, "rate-sync.toml");
  let rs: RateSync;

  before(() => {
    const keyPrefix = freshPrefix();
    writeFileSync(
      config,
      `[stores.shared]
engine = "redis"
url = "${redisUrl()}"
key_prefix = "${keyPrefix}"

[limiters.login]
store = "shared"
algorithm = "sliding_window"
limit = 2
window_seconds = 300

[limiters.upload]
store = "shared"
max_concurrent = 1
`,
    );
    rs = createRateSync({
      stores: { shared: { engine: "redis", url: redisUrl(), keyPrefix } },
      limiters: {
        login: { store: "shared", algorithm: "sliding_window", limit: 2, windowMs: 300_000 },
        upload: { store: "shared", maxConcurrent: 1 },
      },
    });
  });
  after(async () => {
    await rs.close();
    rmSync(folder, { recursive: true });
  });

  it("explains a call that is allowed, and ends with 0", async () => {
    const { exit, stdout, stderr } = await ratesync(["why", "login", "user:1", "--config", config]);
    assert.equal(exit, 0, stderr);
    assert.match(stdout, /^Allowed by limiter "login": 2 left\.\n/);
    assert.match(stdout, /1\. 2 per 5 min, sliding_window: no unit was taken in the last 5 min\./);
  });

  it("explains a denial, changes nothing, and ends with 1", async () => {
    for (let call = 0; call < 2; call++) await rs.tryAcquire("login", { key: "user:2" });
    const explained: ExplanationData[] = [];
    for (let run = 0; run < 2; run++) {
      explained.push(await ratesyncJson(["why", "login", "user:2", "--config", config], 1));
    }
    for (const { allowed, reason, deniedBy, complete, changes } of explained) {
      assert.deepEqual({ allowed, reason, complete }, { allowed: false, reason: "rate", complete: true });
      assert.deepEqual(deniedBy, { limiter: "login", keyClass: "key", limit: 0, rule: "2 per 5 min, sliding_window" });
      assert.deepEqual(changes.map(({ kind }) => kind), ["wait", "refund"]);
    }
    const { stdout } = await ratesync(["why", "login", "user:2", "--cost", "2", "--config", config], { columns: 80 });
    assert.match(stdout, /^\S*Denied\S* by limiter "login", limit \(2 per 5 min, sliding_window\): 2 taken/);
  });

  it("counts the holders of permits and the calls that wait for one", async () => {
    const permit = await rs.acquire("upload");
    const waiting = rs.acquire("upload", { timeoutMs: 10_000 });
    const told = async () =>
      (await ratesyncJson(["why", "upload", "--config", config], 1) as ExplanationData).limiters[0]?.limits[0]?.permits;
    let permits = await told();
    while (permits?.waiting === 0) permits = await told();
    const { leaseEndsInMs, ...counts } = permits ?? {};
    assert.deepEqual(counts, { held: 1, processes: 1, waiting: 1 });
    assert.ok(leaseEndsInMs !== undefined && leaseEndsInMs > 0 && leaseEndsInMs <= 15_000);
    await permit.release();
    await (await waiting).release();
  });

  it("names the known limiters, and the nearest, for an unknown one", async () => {
    const { error } = await ratesyncJson(["why", "logn", "--config", config], 2);
    assert.match(error.message, /"logn".*"login".*"upload"/);
    assert.equal(error.hint, 'did you mean "login"?');
  });

  it("takes an empty key for the limiter as a whole, and refuses a cost that no call can have", async () => {
    const { limiters } = await ratesyncJson(["why", "login", "", "--config", config], 0);
    assert.deepEqual([limiters[0].key, limiters[0].keyClass], [undefined, "none"]);
    assert.equal((await ratesync(["why", "login", "a", "--cost", "0", "--config", config])).exit, 2);
    const { error } = await ratesyncJson(["why", "login", "a", "--cost", "3", "--config", config], 2);
    assert.equal(error.code, "COST_EXCEEDS_LIMIT");
  });
});
