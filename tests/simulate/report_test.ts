import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";

import { accessLog, LIMIT, LIMITERS } from "../../bench/_access_log.ts";
import { reportPage } from "../../src/simulate/report/page.ts";
import { checkAllowance, excessOf } from "../../src/simulate/report/verdict.ts";
import { summaryText } from "../../src/simulate/report/words.ts";
import { matches } from "../../src/simulate/replay/request_filter.ts";
import { simulate } from "../../src/simulate/simulate.ts";
import { LimiterTally } from "../../src/simulate/tally/limiter_tally.ts";
import { Series } from "../../src/simulate/tally/series.ts";
import { FIVE, logOf, replay, replayAll, type Request, START_MS, textOf } from "./_logs.ts";

const HOSTILE = '<script>alert("&1")</script>\u202e\u0007 💥';

describe("the report of simulate()", () => {
  const { text, answer } = accessLog({ lines: 8_000, keys: 300, garbageEvery: 250 });
  const log = [...text].join("");

  it("has the known answer for each algorithm: by key, hour and path, with the lines that are none", async () => {
    const report = await replay(log, { limiters: LIMITERS, top: 5_000 });
    assert.deepEqual([report.requests, report.denied, report.keys], [answer.requests, answer.denied, answer.keys]);
    assert.deepEqual([report.lines, report.unparsed], [answer.requests + answer.garbage, answer.garbage]);
    assert.equal(report.limiters.length, 4);
    for (const limiter of report.limiters) {
      assert.equal(limiter.denied, answer.denied, limiter.limiter);
      assert.equal(limiter.keysDenied, answer.byKey.size);
      const denied = <Row extends { denied: number }>(rows: readonly Row[], name: (row: Row) => string) =>
        new Map(rows.filter((row) => row.denied > 0).map((row) => [name(row), row.denied]));
      assert.deepEqual(denied(limiter.topKeys, ({ key }) => key), answer.byKey);
      assert.deepEqual(denied(limiter.topPaths, ({ path }) => path), answer.byPath);
      assert.deepEqual(denied(limiter.hours, ({ hour }) => hour), answer.byHour);
    }
    const [bucket, fixed] = report.limiters;
    assert.equal(fixed?.longestMs, 20_000);
    assert.equal(bucket?.longestMs, Math.ceil(20_000_000 / LIMIT) / 1_000);
  });

  it("is the same for one log, for parts of it, and for logs that overlap in time", async () => {
    const limiters = { sliding: LIMITERS["sliding"] as object };
    const { files: _, ...whole } = await replay(log, { limiters });
    const lines = log.trimEnd().split("\n");
    const part = (take: (i: number) => boolean) => `${lines.filter((_, i) => take(i)).join("\n")}\n`;
    const half = lines.length / 2;
    const splits = [
      [part((i) => i < half), gzipSync(part((i) => i >= half))],
      [gzipSync(part((i) => i >= half)), part((i) => i < half)],
      [2, 0, 1].map((rest) => part((i) => i % 3 === rest)),
    ];
    for (const logs of splits) {
      const sources = logs.map((one, i) => logOf(one, `access.log.${i}`, 10_000 + i));
      const { report: { files, samples, ...report } } = await simulate({ sources, limiters });
      assert.equal(files.length, logs.length);
      assert.ok(samples.length >= 5 && samples.length <= 10);
      const counts = ({ limiters, ...rest }: Omit<typeof whole, "samples">) => ({
        ...rest,
        // Which of equal keys come first depends on the order in which files are read.
        limiters: limiters.map(({ topKeys: _, topPaths: __, ...limiter }) => limiter),
      });
      const { samples: __, ...expected } = whole;
      assert.deepEqual(counts(report), counts(expected));
    }
  });

  it("compares limits by limiter, key and path, also limiters of which one configuration knows nothing", async () => {
    const { fixed, bucket } = LIMITERS as Record<"fixed" | "bucket", object>;
    const options = {
      limiters: { fixed, now: bucket },
      against: { fixed: { ...fixed, limit: LIMIT + 1 }, old: bucket },
    };
    const report = await replay(log, options);
    const row = (id: string) => report.limiters.find(({ limiter }) => limiter === id);
    const changes = (id: string) => [row(id)?.change, row(id)?.denied, row(id)?.newlyDenied, row(id)?.newlyAllowed];
    assert.deepEqual(changes("now"), ["added", answer.denied, answer.denied, 0]);
    assert.deepEqual(changes("old"), ["removed", 0, 0, answer.denied]);
    const seventh = row("fixed")?.newlyDenied ?? 0;
    assert.ok(seventh > 0 && seventh < answer.denied);
    assert.deepEqual(changes("fixed"), ["changed", answer.denied, seventh, 0]);
    assert.deepEqual(row("fixed")?.topPaths.filter(({ newlyDenied }) => newlyDenied).map(({ path }) => path), ["/"]);
    const newly = row("fixed")?.topKeys.map(({ newlyDenied }) => newlyDenied) ?? [];
    assert.deepEqual(newly, newly.toSorted((a = 0, b = 0) => b - a));
    assert.deepEqual([report.newlyDenied, report.newlyAllowed], [answer.denied, answer.denied]);
    assert.deepEqual(Object.keys(report).slice(0, 5), ["requests", "denied", "keys", "newlyDenied", "newlyAllowed"]);
    const same = await replay(log, { limiters: { fixed }, against: { fixed } });
    assert.deepEqual([same.newlyDenied, same.newlyAllowed, same.denied], [0, 0, answer.denied]);
    assert.match(summaryText(same), /Both configurations decide alike on each of them/);
  });

  it("forms keys of users, headers, paths and queries, and says which requests have none", async () => {
    const at = (i: number): Request => ({
      atMs: START_MS + i * 1_000,
      address: i % 2 === 0 ? `2001:db8::${i}` : `::ffff:10.0.0.${i % 4}`,
      ...(i % 5 === 0 ? {} : { user: `u${i % 3}` }),
      target: `https://a.example/t/${i % 4}?tenant=t${i % 2}&x=%3D`,
      method: i % 10 === 0 ? "POST" : "GET",
    });
    const json = textOf("json", Array.from({ length: 40 }, (_, i) => at(i)));
    const keysOf = async (...key: string[]) => {
      const report = await replay(json, { key, top: 40 });
      return [report.keys, report.withoutKey, report.requests, report.denied];
    };
    assert.deepEqual(await keysOf("address"), [3, 0, 40, 15 + 5 + 5]);
    assert.deepEqual(await keysOf("user"), [3, 8, 32, 32 - 15]);
    assert.deepEqual(await keysOf("user,address"), [3 + 3, 0, 40, 17]);
    assert.deepEqual(await keysOf("path"), [4, 0, 40, 20]);
    assert.deepEqual(await keysOf("query:tenant"), [2, 0, 40, 30]);
    assert.deepEqual(await keysOf("field:request_uri"), [4, 0, 40, 20]);
    assert.deepEqual(await keysOf("none"), [1, 0, 40, 35]);
    assert.deepEqual(await keysOf("address", "api=none"), [1, 0, 40, 35]);
    const some = await replay(json, { path: ["/t/2*", "api=/t/1"], method: ["get,HEAD"] });
    assert.deepEqual([some.requests, some.filtered], [10, 30]);
    const answered = json.split("\n").map((line, i) => line.replace(":200", `:${i % 2 === 0 ? 429 : 503}`)).join("\n");
    const left = await Promise.all(["429", "5xx", "200,4xx"].map(async (status) => {
      const { requests, filtered } = await replay(answered, { ignoreStatus: [status] });
      return [requests, filtered];
    }));
    assert.deepEqual(left, [[20, 20], [20, 20], [20, 20]]);
    await assert.rejects(replay(answered, { ignoreStatus: ["429", "5XX"] }), { reason: "no_request" });
    await assert.rejects(replay(answered, { ignoreStatus: ["denied"] }), { message: /statuses such as 429 or 5xx/ });
    const warned = await replay(json, { key: ["user"] });
    assert.deepEqual(warned.warnings, ['limiter "api" did not check 8 of 40 requests: there is no user']);
    await assert.rejects(replay(json, { path: ["/none"] }), {
      reason: "no_request",
      message: /no path, method or status of 40/,
    });
    await assert.rejects(replay(json, { key: ["header:x-none"] }), {
      reason: "no_request",
      message: /40 lines have no key/,
    });
    const forwarded = `${textOf("combined", [at(1)]).trimEnd()} "203.0.113.9, 2001:db8:1:2:3::4"\n`.repeat(2);
    const { limiters: [byHeader] } = await replay(forwarded, {
      key: ["header:x-forwarded-for"],
      limiters: { api: { limit: 1, windowMs: 1_000, algorithm: "fixed_window" } },
      against: { api: { limit: 1, windowMs: 2_000, algorithm: "fixed_window" } },
      cost: "field:bytes",
    });
    assert.deepEqual([byHeader?.keys, byHeader?.topKeys[0]?.key, byHeader?.denied], [1, "2001:db8:1:2::/64", 1]);
    const combined = textOf("combined", [at(1)]);
    await assert.rejects(replay(combined, { key: ["header:x-none"] }), {
      reason: "no_field",
      message: /no "header:x-none" here; there are address, user, .*header:user-agent/,
    });
    await assert.rejects(replay("time,ip\n2026-03-02T06:00:00Z,10.0.0.1\n", { method: ["GET"] }), {
      reason: "no_field",
      message: /no "method" here; there are field:time, field:ip$/,
    });
    for (const key of ["adress", "header:", "status", "address:1", ""]) {
      await assert.rejects(replay(json, { key: [key] }), { code: "CONFIG_INVALID" }, key);
    }
    await assert.rejects(replay(json, { key: ["adress"] }), { message: /did you mean "address"/ });
    await assert.rejects(replay(json, { path: ["login"] }), { message: /expected a path such as \/login/ });
    await assert.rejects(replay(json, { only: ["apu"] }), { code: "LIMITER_NOT_FOUND" });
  });

  it("takes costs of a field, denies what is above the limit, and does not replay permits", async () => {
    const costs = [2, 2, 2, 9, 0];
    const json = textOf("json", costs.map((cost, i) => ({ atMs: START_MS + i, address: "10.0.0.1", cost })));
    const [limiter] = (await replay(json, { cost: "field:cost" })).limiters;
    assert.deepEqual([limiter?.denied, limiter?.tooLarge, limiter?.units], [2, 1, 16]);
    const { samples } = await replay(`${json}${json.split("\n")[0]?.replace('"cost":2', '"cost":"x"')}\n`, {
      cost: "field:cost",
    });
    assert.equal(samples[0]?.problem, "a cost that is no number");

    const limiters = { api: { ...FIVE["api"], maxConcurrent: 1 }, jobs: { maxConcurrent: 1 } };
    const report = await replay(json, { limiters });
    assert.deepEqual(report.limiters.map((one) => one.limiter), ["api"]);
    assert.equal(report.warnings.length, 2);
    assert.match(report.warnings.join("\n"), /limiter "api" has max_concurrent, which is not replayed/);
    await assert.rejects(replay(json, { limiters: { jobs: { maxConcurrent: 1 } } }), { code: "CONFIG_INVALID" });
  });

  it("spreads requests of one second over it, up to the next time, where that is wanted", async () => {
    const limiters = { api: { ratePerSecond: 10, burst: 1 } };
    const second = Array.from({ length: 10 }, (): Request => ({ atMs: START_MS, address: "10.0.0.1" }));
    const next = { atMs: START_MS + 1_000, address: "10.0.0.1" };
    const whole = textOf("combined", [...second, next]);
    assert.equal((await replay(whole, { limiters })).denied, 9);
    assert.equal((await replay(whole, { limiters, spread: true })).denied, 0);
    const finer = textOf("json", [...second, { ...next, atMs: START_MS + 500 }]);
    assert.equal((await replay(finer, { limiters, spread: true })).denied, 5);
    assert.deepEqual(await replay(log, { spread: true }).then(({ requests }) => requests), answer.requests);
  });

  it("says what exceeds an allowance, as a number or as a part of all", async () => {
    const report = await replay(log, { limiters: { fixed: LIMITERS["fixed"] as object }, against: {} });
    const share = answer.denied / answer.requests * 100;
    assert.deepEqual(
      excessOf(report, { maxDenied: String(answer.denied), maxNewlyDenied: `${Math.ceil(share)}%` }),
      [],
    );
    assert.equal(excessOf(report, { maxDenied: String(answer.denied - 1), maxNewlyDenied: "0" }).length, 2);
    assert.match(
      excessOf(report, { maxNewlyDenied: "0.1%" })[0] as string,
      /are newly denied, --max-newly-denied allows 0.1%$/,
    );
    for (const maxDenied of ["-1", "1.5", "101%", "many", "", "1e3"]) {
      assert.throws(() => checkAllowance({ maxDenied }), { code: "CONFIG_INVALID" }, maxDenied);
    }
  });

  it("is a page that loads nothing, in which keys, paths and lines from outside are only text", async () => {
    const requests = Array.from({ length: 20 }, (_, i): Request => {
      return { atMs: START_MS + i * 60_000, address: "10.0.0.1", user: HOSTILE, target: `/${HOSTILE}` };
    });
    const json = `${textOf("json", requests)}${HOSTILE}"' onload=x\n`;
    const limiters = { [HOSTILE]: { limit: 2, windowMs: 864e5, algorithm: "fixed_window" } } as const;
    const simulation = await replayAll(json, { limiters, key: ["user"] });
    assert.equal(simulation.report.denied, 18);
    const page = reportPage(simulation);
    assert.ok(page.includes("&lt;script&gt;alert(&quot;&amp;1&quot;)&lt;/script&gt;\\u202e\\u0007 💥"));
    for (const text of ["<script", "\u202e", "\u0007"]) assert.ok(!page.includes(text));
    assert.doesNotMatch(page, /<[^>]+ onload/);
    assert.doesNotMatch(page, /(?:src|href)\s*=|url\(|@import|https?:\/\/(?!www\.w3\.org)/);
    assert.match(
      page,
      /<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">/,
    );
    assert.match(page, /prefers-color-scheme: dark/);
    const [allowed, denied] = [...page.matchAll(/<path class="(?:allowed|denied)" d="([^"]*)"/g)].map(([, d = ""]) =>
      d
    );
    const bars = (path: string | undefined) => path?.split("z").length ?? 0;
    assert.deepEqual([bars(allowed) - 1, bars(denied) - 1], [2, 18]);
    assert.ok(page.startsWith("<!doctype html>"));
    const compared = reportPage(await replayAll(json, { limiters, key: ["user"], against: {} }));
    const [, newly] = /<path\s+class="newly"\s+d="([^"]*)"/.exec(compared) ?? [];
    assert.equal(bars(newly) - 1, 18);
  });

  it("counts how long a key is denied without a break", () => {
    const second = 1e6;
    const tally = new LimiterTally();
    const decide = (atS: number, waitS: number, oldWaitS?: number) => {
      tally.count(atS * second, 0, 0, waitS * second, oldWaitS === undefined ? undefined : oldWaitS * second);
      return tally.keys.get(0)?.longestUs;
    };
    assert.equal(decide(0, 10), 10 * second);
    assert.equal(decide(5, 7), 12 * second);
    assert.equal(decide(12, 0, 3), 12 * second); // allowed newly
    assert.equal(decide(20, 11), 12 * second);
    assert.equal(decide(31, 0), 12 * second);
    assert.equal(decide(40, Infinity), 12 * second);
    assert.equal(decide(60, Infinity), 20 * second);
  });

  it("matches paths with stars as a whole, and in time", () => {
    const cases: readonly (readonly [string, string, boolean])[] = [
      ["/login", "/login", true],
      ["/login/x", "/login", false],
      ["/a/b/c", "/a/*/c", true],
      ["/aba", "/ab*ba", false],
      ["/abba", "/ab*ba", true],
      ["/x.css", "*.css", true],
      ["/", "*", true],
    ];
    for (const [path, pattern, expected] of cases) assert.equal(matches(path, pattern), expected, `${path} ${pattern}`);
    assert.equal(matches(`/${"a".repeat(100_000)}`, `/${"*a".repeat(1_000)}b`), false);
  });

  it("counts in wider parts of the time as it goes on, each of them once", () => {
    const series = new Series([1e6, 5e6, 60e6], 400);
    for (let second = 2; second < 3_000; second++) series.at(second * 1e6).requests++;
    const { widthUs, buckets } = series;
    assert.equal(widthUs, 60e6);
    assert.deepEqual(buckets.map(({ fromUs }) => fromUs / widthUs), Array.from({ length: 50 }, (_, i) => i));
    assert.deepEqual(buckets.map(({ requests }) => requests), [58, ...Array.from({ length: 49 }, () => 60)]);
  });

  it("has plots of at most 400 parts, whose sums are those of the report, and exact hours for weeks", async () => {
    const requests = Array.from({ length: 2_000 }, (_, i): Request => {
      return { atMs: START_MS + i * 7 * 123_457, address: "10.0.0.1" };
    });
    const { report, plots: [plot] } = await replayAll(textOf("json", requests), {
      limiters: { api: { limit: 3, windowMs: 36e5, algorithm: "fixed_window" } },
    });
    assert.ok(plot !== undefined && plot.buckets.length <= 400 && plot.buckets.length > 100);
    for (const name of ["requests", "denied"] as const) {
      assert.equal(plot.buckets.reduce((sum, bucket) => sum + bucket[name], 0), report[name]);
      assert.equal(report.hours.reduce((sum, hour) => sum + hour[name], 0), report[name]);
    }
    const hours = new Set(requests.map(({ atMs }) => Math.floor(atMs / 36e5)));
    assert.equal(report.hours.length, hours.size);
  });
});
