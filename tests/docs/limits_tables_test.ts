import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";

import { createRateSync, type LimiterOptions } from "../../mod.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { openRawRedis, type RawRedis } from "../_support/raw_redis.ts";
import { type RedisProcess, startRedis } from "../stores/redis/_servers.ts";

type Rate = NonNullable<LimiterOptions["algorithm"]>;

const ALGORITHMS: readonly Rate[] = ["token_bucket", "sliding_window", "sliding_window_counter", "fixed_window"];

/** The cells of the tables of a page, row by row, without their heads. */
async function rowsOf(page: string): Promise<string[][]> {
  const text = await readFile(page, "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith("| "));
  return rows.map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim().replaceAll("`", "")));
}

/** The table whose head begins with these cells, by the first cell of each row. */
async function tableOf(page: string, ...head: string[]): Promise<Map<string, string[]>> {
  const rows = await rowsOf(page);
  const start = rows.findIndex((row) => head.every((cell, at) => row[at] === cell));
  assert.ok(start >= 0, `${page} has no table with ${head}`);
  const found = new Map<string, string[]>();
  for (const [first = "", ...cells] of rows.slice(start + 1)) {
    if (/^-+:?$/.test(first)) continue;
    if (cells.length !== (rows[start]?.length ?? 0) - 1 || found.has(first)) break;
    found.set(first, cells);
  }
  return found;
}

describe("docs/limits.md", () => {
  it("has the waits and resets of its example", async () => {
    const table = await tableOf("docs/limits.md", "", "retryAfterMs", "resetAfterMs");
    for (const algorithm of ALGORITHMS) {
      const clock = new FakeClock();
      await using rs = createRateSync({ clock, limiters: { api: { algorithm, limit: 10, windowMs: 10_000 } } });
      await rs.tryAcquire("api");
      await clock.advance(2_000);
      const cost = algorithm === "token_bucket" ? 10 : 9;
      assert.ok((await rs.tryAcquire("api", { cost })).allowed);
      const { allowed, retryAfterMs, resetAfterMs } = await rs.tryAcquire("api");
      assert.equal(allowed, false);
      const said = table.get(algorithm)?.slice(0, 2).map((cell) => Number(cell.replaceAll(" ", "")));
      assert.deepEqual([retryAfterMs, resetAfterMs], said, algorithm);
    }
  });

  it("has the largest rates and limits that are accepted", async () => {
    const accepts = (api: LimiterOptions) => {
      try {
        createRateSync({ limiters: { api } });
        return true;
      } catch {
        return false;
      }
    };
    const [, text = ""] =
      [...await tableOf("docs/limits.md", "form", "algorithms")].find(([form]) => form === "ratePerSecond")?.[1] ?? [];
    const [least = NaN, most = NaN] = (text.match(/\d[\d .]*\d|\d/g) ?? []).map((number) =>
      Number(number.replaceAll(" ", ""))
    );
    assert.deepEqual([accepts({ ratePerSecond: least }), accepts({ ratePerSecond: least * 0.99 })], [true, false]);
    assert.deepEqual([accepts({ ratePerSecond: most }), accepts({ ratePerSecond: most + 1 })], [true, false]);

    const largest = (await tableOf("docs/limits.md", "", "token_bucket")).get("largest limit") ?? [];
    const numbers = largest.map((cell) => {
      const [, base = "", power = "0"] = /^(10|2)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)/.exec(cell) ?? [];
      const exponent = Number([...power].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(digit)).join(""));
      return base === "" ? Number(cell.replaceAll(" ", "")) : Number(base) ** exponent;
    });
    for (const [at, algorithm] of ALGORITHMS.entries()) {
      const limit = numbers[at] as number;
      const windowMs = algorithm === "sliding_window_counter" ? 2 ** 20 : Math.max(limit / 1_000, 1_000);
      assert.ok(accepts({ algorithm, limit, windowMs }), `${algorithm} accepts ${limit}`);
      assert.ok(!accepts({ algorithm, limit: limit + 1, windowMs: windowMs * 2 }), `${algorithm} refuses more`);
    }
  });
});

describe("docs/limits.md about Redis", () => {
  let server: RedisProcess;
  let raw: RawRedis;
  before(async () => {
    server = await startRedis();
    raw = await openRawRedis(server.url);
  });
  after(async () => {
    await raw?.close();
    await server?.[Symbol.asyncDispose]();
  });

  /** How often Redis ran each command for a decision, on average. */
  async function commandsOf(api: LimiterOptions, calls: number): Promise<Map<string, number>> {
    await raw.send("FLUSHALL");
    await using rs = createRateSync({
      stores: { shared: { engine: "redis", url: server.url } },
      limiters: { api: { onStoreError: "throw", ...api } },
    });
    await rs.tryAcquire("api", { key: "k" });
    await raw.send("CONFIG", "RESETSTAT");
    for (let done = 0; done < calls; done++) assert.ok((await rs.tryAcquire("api", { key: "k" })).allowed);
    const stats = String(await raw.send("INFO", "commandstats"));
    return new Map(
      [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)].map(([, name = "", count]) => [name, Number(count) / calls]),
    );
  }

  /** Of the connection itself, and of this test. */
  const OTHERS = new Set(["evalsha", "eval", "info", "config|resetstat", "ping"]);

  for (const algorithm of ALGORITHMS) {
    it(`names the commands of a decision by ${algorithm}`, async () => {
      const cells = (await tableOf("docs/limits.md", "", "token_bucket")).get("Redis commands a decision") ?? [];
      const said = cells[ALGORITHMS.indexOf(algorithm)] ?? "";
      const limit = 1_000;
      const ran = await commandsOf({ algorithm, limit, windowMs: 3_600_000 }, 100);
      assert.equal(ran.get("evalsha"), 1, "one call a decision");
      const inside = [...ran].filter(([name]) => !OTHERS.has(name));
      if (algorithm === "sliding_window") {
        const [, fixed = "", factor = ""] = /at most (\d+) \+ (\d+) log₂\(limit\)/.exec(said) ?? [];
        const most = Number(fixed) + Number(factor) * Math.log2(limit);
        const count = inside.reduce((sum, [, calls]) => sum + calls, 0);
        assert.ok(count <= most, `${count} commands, the page says at most ${most}`);
      } else {
        const known = said.match(/[A-Z]{3,}/g)?.map((name) => name.toLowerCase()) ?? [];
        assert.deepEqual(inside.map(([name]) => name).filter((name) => !known.includes(name)), [], `page: ${said}`);
      }
    });
  }
});
