import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { createRateSync, type RateSync } from "../../mod.ts";
import { ratesync, ratesyncJson, serving } from "../_support/cli.ts";
import { TOKEN } from "../_support/rest_redis.ts";
import { ConfigFile, PASSWORD, type Place, PLACES } from "./_places.ts";

const SECRETS = [TOKEN, PASSWORD];
const JSON_BODY = { "content-type": "application/json" };

/** What `doctor --json` says. */
interface Examined {
  readonly stores: readonly [{ readonly findings: readonly Record<"what" | "level" | "detail", string>[] }];
}

const HOSTILE = "<script>\x1b[31m: 😀";

for (const [name, start] of Object.entries(PLACES)) {
  describe(`ratesync on ${name}`, () => {
    let place: Place;
    let file: ConfigFile;
    let rs: RateSync;
    const run = async (words: string, more: readonly string[] = []) => {
      const result = await ratesync([...words.split(" "), ...more, "--config", file.path]);
      for (const secret of SECRETS) assert.ok(!(result.stdout + result.stderr).includes(secret), words);
      return result;
    };
    const json = (words: string, exit = 0, more: readonly string[] = []) =>
      ratesyncJson([...words.split(" "), "--yes", "--config", file.path, ...more], exit);

    before(async () => {
      place = await start();
      file = new ConfigFile(`[stores.main]
${place.store}

[limiters.login]
algorithm = "sliding_window"
limit = 3
window = "5m"

[limiters.upload]
rate_per_second = 0.001
burst = 9
max_concurrent = 2

[limiters.sharded]
limit = 5
window = "1h"
key_shards = 4

[limiters.logins]
limit = 1
window = "1h"

[limiters.busy]
limit = 1
window = "1s"
`);
      rs = createRateSync({ logger: false });
      await rs.loadConfig(file.path);
    });
    after(async () => {
      await rs.close();
      file[Symbol.dispose]();
      await place[Symbol.asyncDispose]();
    });

    it("check finds that the store decides", async () => {
      const found = await json("check");
      assert.equal(found.ok, true, JSON.stringify(found));
      assert.equal(found.stores[0].check.ok, true);
      assert.deepEqual(found.limiters.map(({ id }: { id: string }) => id), [
        "login",
        "upload",
        "sharded",
        "logins",
        "busy",
      ]);
    });

    it("keys lists keys with where they stand, and no others", async () => {
      const keys = ["user:1", "user:2", "b", HOSTILE, "x".repeat(300)];
      for (const limiter of ["login", "upload", "sharded"]) {
        await rs.tryAcquire(limiter);
        for (const key of keys) await rs.tryAcquire(limiter, { key });
        await rs.tryAcquire("logins", { key: "other" });
        const listed = await json(`keys ${limiter}`);
        assert.equal(listed.more, false);
        const found = listed.keys.map(({ key, hash }: Record<string, string>) => key ?? (hash ? "hash" : "whole"))
          .sort();
        assert.deepEqual(found, ["user:1", "user:2", "b", HOSTILE, "hash", "whole"].sort(), limiter);
        const limit = { login: 3, upload: 9, sharded: 5 }[limiter];
        for (const { allowed, limits: [first] } of listed.keys) {
          assert.deepEqual([allowed, first.remaining, first.limit], [true, (limit ?? 0) - 1, limit]);
        }
        const some = await json(`keys ${limiter} --match user:?`);
        assert.deepEqual(some.keys.map(({ key }: { key: string }) => key), ["user:1", "user:2"]);
        const few = await json(`keys ${limiter} --count 2`);
        assert.deepEqual([few.keys.length, few.more], [2, true]);
      }
    });

    it("keys shows hostile keys as text, and only those that are denied", async () => {
      for (let i = 0; i < 3; i++) await rs.tryAcquire("login", { key: HOSTILE });
      const { stdout, exit } = await run("keys login --denied");
      assert.equal(exit, 0);
      assert.match(
        stdout,
        /^KEY +STATE +LEFT\n<script>\\u001b\[31m: 😀 +denied for (4 min 5\d s|5 min) +0 of 3 per 5 min\n$/,
      );
    });

    it("block, unblock, penalize, refund and reset do what they say", async () => {
      const key = "tenant 7";
      const { now } = await json("block login", 0, ["--", key, "1h"]);
      assert.deepEqual([now.allowed, now.reason], [false, "blocked"]);
      assert.ok(now.retryAfterMs > 3_590_000 && now.retryAfterMs <= 3_600_000);
      assert.equal((await rs.tryAcquire("login", { key })).reason, "blocked");
      const kept = await json("block login", 0, ["--keep-longer", "--", key, "1m"]);
      assert.ok(kept.blockedForMs > 3_590_000 && kept.blockedForMs <= 3_600_000);
      const { stdout } = await ratesync([
        "block",
        "login",
        "--config",
        file.path,
        "--yes",
        "--keep-longer",
        "--",
        key,
        "1m",
      ]);
      assert.match(
        stdout,
        /^An earlier block of key "tenant 7" of limiter "login" ends later and stays\.\nNow: blocked for/,
      );
      const unblocked = await json("unblock login", 0, ["--", key]);
      assert.deepEqual([unblocked.wasBlocked, unblocked.now.allowed], [true, true]);
      assert.equal((await json("unblock login", 1, ["--", key])).wasBlocked, false);

      const penalty = await json("penalize login", 0, ["--", key, "3"]);
      assert.deepEqual([penalty.charged, penalty.uncharged, penalty.now.allowed], [3, 0, false]);
      const refund = await json("refund login", 0, ["--", key, "2"]);
      assert.deepEqual([refund.refunded, refund.now.allowed, refund.now.limits[0].remaining], [2, true, 2]);
      const overdrawn = await json("penalize login", 1, ["--", key, "10000"]);
      assert.deepEqual([overdrawn.charged, overdrawn.uncharged], [300, 9_700]);
      const reset = await json("reset login", 0, ["--", key]);
      assert.equal(reset.now.limits[0].remaining, 3);
    });

    it("why explains blocks, permits and those who hold them", async () => {
      const key = "held";
      await json("block upload", 0, ["--", key, "1h"]);
      const { deniedBy, complete, limiters: [blocked] } = await json("why upload", 1, ["--", key]);
      assert.deepEqual([deniedBy.rule, complete], ["block", true]);
      assert.ok(blocked.block.endsInMs > 3_590_000 && blocked.block.endsInMs <= 3_600_000);
      await json("unblock upload", 0, ["--", key]);
      await using first = await rs.acquire("upload", { key });
      await using second = await rs.acquire("upload", { key });
      assert.ok(first.decision.allowed && second.decision.allowed);
      const full = await json("why upload", 1, ["--", key]);
      assert.deepEqual([full.reason, full.deniedBy.limit], ["concurrency", 1]);
      const { held, processes, waiting } = full.limiters[0].limits[1].permits;
      assert.deepEqual({ held, processes, waiting }, { held: 2, processes: 1, waiting: 0 });
    });

    it("an empty key is the limiter as a whole", async () => {
      const blocked = await json("block sharded", 0, ["--", "", "10s"]);
      assert.deepEqual([blocked.key, blocked.now.reason], ["", "blocked"]);
      assert.equal((await rs.tryAcquire("sharded", { key: "fresh" })).allowed, true);
      await json("unblock sharded", 0, ["--", ""]);
    });

    it("doctor and top see the store and the processes on it, and show no secret", async () => {
      const wait = name === "Redis over REST" ? "12s" : "5s"; // a process looks there every ten seconds for watchers
      const calling = setInterval(() => void rs.tryAcquire("busy"), 50);
      const [doctor, top, text] = await Promise.all([
        run(`doctor --json --wait ${wait}`),
        json(`top busy --once --wait ${wait}`),
        run("doctor --wait 0s"),
      ]).finally(() => clearInterval(calling));
      const { stores: [{ findings }] } = JSON.parse(doctor.stdout) as Examined;
      // How fast a store answers depends on the machine.
      const wrong = findings.filter(({ what, level }) => what !== "latency" && /^(?:error|warning)$/.test(level));
      assert.deepEqual(wrong, []);
      assert.match(
        findings.find(({ what }) => what === "processes")?.detail ?? "",
        /^\d+ process(?:es report| reports): /,
      );
      const { stores: [{ problem }], limiters: [{ id, processes }] } = top;
      assert.deepEqual([problem, id, processes > 0], [undefined, "busy", true]);
      assert.match(text.stdout, /^store main\nok +reachability +/);
      for (const secret of SECRETS) assert.ok(!JSON.stringify(top).includes(secret));
    });

    it("serve decides, and dashboard shows the store", async () => {
      await using server = await serving(["serve", "--config", file.path]);
      const decide = async () => {
        const body = JSON.stringify({ limiter: "logins", key: "served" });
        const response = await fetch(`${server.url}/v1/decide`, { method: "POST", body, headers: JSON_BODY });
        const { allowed, degraded, reason } = await response.json() as Record<string, unknown>;
        return [allowed, degraded, reason];
      };
      assert.deepEqual([await decide(), await decide()], [[true, false, undefined], [false, false, "rate"]]);
      await using dashboard = await serving(["dashboard", "--config", file.path]);
      const { body } = await fetch(`${dashboard.url}events`);
      let seen = "";
      for await (const bytes of body as ReadableStream<Uint8Array>) {
        seen += new TextDecoder().decode(bytes);
        if (/event: view\n.*\n\n/.test(seen)) break;
      }
      const view = JSON.parse(/event: view\ndata: (.*)\n\n/.exec(seen)?.[1] ?? "{}");
      assert.deepEqual(view.stores.map(({ id, problem }: Record<string, unknown>) => [id, problem]), [[
        "main",
        undefined,
      ]]);
      for (const secret of SECRETS) assert.ok(!seen.includes(secret));
    });

    it("reset of a limiter resets each of its keys, also long ones, and no others", async () => {
      await using permit = await rs.acquire("upload", { key: "held" });
      assert.equal(permit.decision.allowed, true);
      const { reset } = await json("reset upload");
      assert.equal(reset, 7);
      const { keys } = await json("keys upload");
      for (const { limits: [rate, permits] } of keys) assert.deepEqual([rate.remaining, permits.remaining], [9, 2]);
      assert.equal((await rs.peek("upload", { key: "x".repeat(300) })).remaining, 2);
      assert.equal((await rs.peek("logins", { key: "other" })).remaining, 0);
    });

    it("reset --all deletes every key of the store", async () => {
      const { exit, stderr } = await run("reset --yes");
      assert.deepEqual([exit, stderr.includes("--all")], [2, true]);
      assert.deepEqual((await json("reset --all")).stores, ["main"]);
      for (const limiter of ["login", "sharded", "logins"]) assert.deepEqual((await json(`keys ${limiter}`)).keys, []);
    });
  });
}
