import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import postgres from "postgres";

import { compilePolicy } from "../../../../src/policy/compile_policy.ts";
import type { TakeReply, TakeRequest } from "../../../../src/stores/store.ts";
import { postgresUrl } from "../../../_support/postgres.ts";
import { BucketTable } from "../../../_support/postgres_buckets.ts";

const NOW_US = 1_800_000_000_000_000;

/** Two units, one of which refills in a second. */
const PAIR = compilePolicy({ ratePerSecond: 1, burst: 2 });

/** A unit each microsecond. */
const FAST = compilePolicy({ ratePerSecond: 1_000_000, burst: 5 });

function take(key: string, options: Partial<TakeRequest> = {}): TakeRequest {
  const targets = [{ limiter: "api", policy: PAIR, key, cost: 1, permits: 0 }];
  return { op: "take", targets, mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0, ...options };
}

function statuses(replies: readonly (TakeReply | Error | undefined)[]): unknown[] {
  return replies.map((reply) => reply instanceof Error ? reply : reply?.status);
}

describe("BucketCalls, by rows", () => {
  let table: BucketTable;
  let other: postgres.Sql;
  let third: postgres.Sql;
  before(async () => {
    table = await BucketTable.open(NOW_US);
    other = postgres(postgresUrl(), { max: 1, onnotice: () => {} });
    third = postgres(postgresUrl(), { max: 1, onnotice: () => {} });
  });
  after(async () => {
    await other.end();
    await third.end();
    await table.close();
  });

  it("writes nothing when it denies or looks, and locks nothing", async () => {
    await table.send([take("denied"), take("denied")]);
    const before = await table.rows("api:denied");
    await other.begin(async (sql) => {
      // A call that locks or writes the row waits for this transaction.
      await sql.unsafe(`SELECT 1 FROM ${table.names.of("keys")} WHERE key = 'api:denied' FOR UPDATE`);
      assert.deepEqual(statuses(await table.send([take("denied"), take("denied", { mode: "peek" })])), [
        "rate",
        "rate",
      ]);
    });
    assert.deepEqual(await table.rows("api:denied"), before);
  });

  it("sends a lone take by one statement where the bucket has room, and also one that is denied again", async () => {
    await table.send([take("lone")]);
    table.nowUs = NOW_US + 1_000_000;
    await table.send([take("lone")]);
    const before = table.sent;
    table.nowUs = NOW_US + 2_000_000;
    assert.deepEqual(statuses(await table.send([take("lone")])), ["allowed"]);
    assert.equal(table.sent - before, 1);
    await table.send([take("lone"), take("lone")]);
    await table.send([take("lone")]);
    const denied = table.sent;
    assert.deepEqual(statuses(await table.send([take("lone")])), ["rate"]);
    assert.equal(table.sent - denied, 1);
    table.nowUs = NOW_US;
  });

  it("takes many times from one key as if it were once, while there is room for all", async () => {
    for (const ratePerSecond of [1, 7]) {
      const policy = compilePolicy({ ratePerSecond, burst: 6 });
      const key = `many at ${ratePerSecond}`;
      const targets = [{ limiter: "api", policy, key, cost: 1, permits: 0 }];
      const sendMany = async (second: number) => {
        table.nowUs = NOW_US + second * 1_000_000;
        return statuses(await table.send(Array.from({ length: 4 }, () => take(key, { targets }))));
      };
      const all = ["allowed", "allowed", "allowed", "allowed"];
      for (const second of [0, 10]) await sendMany(second);
      const before = table.sent;
      assert.deepEqual(await sendMany(20), all);
      assert.match(table.last ?? "", /^take_(whole|once)_1$/);
      // Two are left: the others are denied, and the next call expects that.
      assert.deepEqual(await sendMany(20), ["allowed", "allowed", "rate", "rate"]);
      assert.equal(table.sent - before, 3);
      await sendMany(22);
      assert.equal(table.last, "take_one_1");
      assert.deepEqual(await sendMany(40), all);
      assert.deepEqual(await sendMany(60), all);
      assert.match(table.last ?? "", /^take_(whole|once)_1$/);
    }
    table.nowUs = NOW_US;
  });

  it("takes from some keys of a batch twice by the statement that takes once from all others", async () => {
    const names = ["a", "b", "c"].map((name) => `twice ${name}`);
    const [a = "", b = "", c = ""] = names;
    const send = async (second: number, ...keys: string[]) => {
      table.nowUs = NOW_US + second * 1_000_000;
      return statuses(await table.send(keys.map((key) => take(key))));
    };
    const all = ["allowed", "allowed", "allowed", "allowed"];
    const before = table.sent;
    for (const second of [0, 10]) assert.deepEqual(await send(second, a, b, b, c), all);
    assert.deepEqual([table.sent - before, table.last], [2, "take_alike_3"]);
    const tats = await Promise.all(names.map(async (name) => (await table.rows(`api:${name}`))[0]?.tat));
    assert.deepEqual(tats, [11, 12, 11].map((second) => String(NOW_US + second * 1_000_000)));
    // One has a unit left where two are asked for: the rest is asked for once more.
    assert.deepEqual(await send(10, a, a, c, c), ["allowed", "rate", "allowed", "rate"]);
    assert.deepEqual([table.sent - before, table.last], [4, "take_parts_1"]);
    // None of them ever holds three.
    assert.deepEqual(await send(20, a, b, b, b), ["allowed", "allowed", "allowed", "rate"]);
    assert.equal(table.last, "take_parts_1");
    table.nowUs = NOW_US;
  });

  it("leaves a row to the kernels that holds more, or is under other rules, with all later takes from it", async () => {
    const keys = table.names.of("keys");
    await other.unsafe(`INSERT INTO ${keys} (tat, rules, key, ends, state) VALUES (0, 1, 'api:more', 9, '\\x01')`);
    await other.unsafe(`INSERT INTO ${keys} (tat, rules, key) VALUES (0, 7, 'api:rules')`);
    const batch = [take("more"), take("plain"), take("more", { mode: "peek" }), take("rules"), take("rules")];
    assert.deepEqual(statuses(await table.send(batch)), [undefined, "allowed", undefined, undefined, undefined]);
    const [more] = await other.unsafe(`SELECT tat::text, state::text FROM ${keys} WHERE key = 'api:more'`);
    assert.deepEqual({ ...more }, { tat: "0", state: "\\x01" });
  });

  it("leaves a row to the kernels that the clock tells to be from before a step back", async () => {
    await table.send([take("stepped"), take("stepped")]);
    table.nowUs = NOW_US - 10_000_000;
    assert.deepEqual(statuses(await table.send([take("stepped")])), [undefined]);
    assert.deepEqual(statuses(await table.send([take("stepped", { mode: "wait", maxWaitUs: Infinity })])), [undefined]);
    assert.deepEqual(statuses(await table.send([take("stepped", { mode: "peek" })])), [undefined]);
    table.nowUs = NOW_US;
  });

  it("remembers how far ahead instants are promised, so that a step back differs from them", async () => {
    const wait = take("waits", { mode: "wait", maxWaitUs: Infinity });
    const reaches: number[] = [];
    for (let i = 0; i < 20; i++) {
      await table.send([wait]);
      reaches.push(Number((await table.rows("api:waits"))[0]?.extra));
    }
    // Two at once, then one a second: those up to 8 refills of 2 s ahead are near.
    assert.deepEqual(reaches, [0, 0, ...new Array<number>(16).fill(1), 2, 2]);
    table.nowUs = NOW_US - 60_000_000_000;
    assert.deepEqual(statuses(await table.send([wait])), [undefined]);
    table.nowUs = NOW_US;
  });

  it("locks rows in the order of their keys, also in a small table, by the settings of its sessions or its statements", async () => {
    for (const asksSettings of [false, true]) {
      const small = await BucketTable.open(NOW_US, asksSettings);
      try {
        const keys = small.names.of("keys");
        for (const key of ["c", "b", "a"]) await small.send([take(key)]);
        await other.unsafe(`ANALYZE ${keys}`);
        for (const batch of [["a", "b", "c"], ["a", "a", "b", "c"]]) {
          small.nowUs = (small.nowUs ?? 0) + 10_000_000;
          await other.begin(async (sql) => {
            await sql.unsafe(`SELECT FROM ${keys} WHERE key = 'api:b' FOR UPDATE`);
            let isSent = false;
            const sent = small.send(batch.map((key) => take(key))).catch((error: unknown) => error)
              .finally(() => isSent = true);
            const free = `SELECT key FROM ${keys} FOR UPDATE SKIP LOCKED`;
            let rows: readonly { readonly key?: string }[];
            do rows = await third.unsafe(free); while (rows.length > 1 && !isSent);
            assert.deepEqual(rows.map(({ key }) => key), ["api:c"]);
            assert.equal((await sent as { code?: string }).code, "55P03");
          });
        }
      } finally {
        await small.close();
      }
    }
  });

  it("waits for another transaction that adds the same key, and takes what that has left", async () => {
    await other.begin(async (sql) => {
      await sql.unsafe(
        `INSERT INTO ${table.names.of("keys")} (tat, rules, key) VALUES (${NOW_US + 1_000_000}, 1, 'api:raced')`,
      );
      const sent = table.send([take("before"), take("raced"), take("raced")]);
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { sent };
    }).then(async ({ sent }) => {
      assert.deepEqual(statuses(await sent), ["allowed", "allowed", "rate"]);
    });
    assert.equal((await table.rows("api:raced"))[0]?.tat, String(NOW_US + 2_000_000));
  });

  it("gives out the last unit where another transaction wrote the row while this one waited for it", async () => {
    const real = await BucketTable.open();
    try {
      const [DAY_US, LIMIT, FIRST] = [86_400_000_000, 100, 75];
      const policy = compilePolicy({ limit: LIMIT, windowMs: DAY_US / 1_000 });
      const takes = (key: string, count: number) => {
        const targets = [{ limiter: "api", policy, key, cost: 1, permits: 0 }];
        return new Array<TakeRequest>(count).fill(take(key, { targets }));
      };
      const left = LIMIT - FIRST;
      for (const key of ["one", "any", "all", "spare"]) await real.send(takes(key, 1));
      // After a call that found room for a part of it, the next ones ask for a part.
      await real.send(takes("spare", LIMIT));
      for (
        const [key, asked, beside, statement] of [
          ["one", FIRST, [], "take_one_1"],
          ["any", FIRST, ["new"], "take_parts_1"],
          ["all", left, ["newer"], "take_parts_1"],
        ] as const
      ) {
        const sent = await other.begin(async (sql) => {
          const row = `${real.names.of("keys")} WHERE key = 'api:${key}'`;
          await sql.unsafe(`SELECT FROM ${row} FOR UPDATE`);
          const sent = real.send([...takes(key, asked), ...beside.flatMap((name) => takes(name, 1))]);
          // Until that waits for this transaction.
          const waiting = "SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))";
          while ((await sql.unsafe(waiting)).length === 0);
          await sql.unsafe(`UPDATE ${
            row.replace(
              " WHERE",
              ` SET tat = ${DAY_US / LIMIT * FIRST}
            + (extract(epoch FROM clock_timestamp()) * 1000000)::bigint WHERE`,
            )
          }`);
          return { sent };
        }).then(async ({ sent }) => await sent as TakeReply[]);
        assert.equal(real.last, statement);
        assert.deepEqual(statuses(sent), sent.map((_, i) => i < left || i >= asked ? "allowed" : "rate"));
        const [row] = await real.rows(`api:${key}`);
        // At its instant, no reply has taken more than a bucket holds.
        for (const { levels } of sent) assert.ok((levels[0]?.rates[0]?.[0] ?? 0) <= DAY_US);
        if (asked === left) continue;
        const { nowUs, waitUs, levels } = sent[left] as TakeReply;
        // The denied ones wait for what the last one has left, to the microsecond.
        assert.equal(nowUs + (levels[0]?.rates[0]?.[0] ?? 0), Number(row?.tat));
        assert.equal(nowUs + waitUs, Number(row?.tat) - DAY_US + DAY_US / LIMIT);
      }
      // Here units come back while the statement runs.
      const targets = [{ limiter: "api", policy: FAST, key: "fast", cost: 1, permits: 0 }];
      for (let i = 0; i < 5; i++) {
        const replies = await real.send(new Array<TakeRequest>(9).fill(take("fast", { targets }))) as TakeReply[];
        for (const { status, waitUs } of replies) assert.equal(waitUs > 0, status === "rate");
      }
    } finally {
      await real.close();
    }
  });

  it("decides at the server's clock, to the microsecond", async () => {
    const real = await BucketTable.open();
    try {
      const [[from]] = [await other`SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text AS us`];
      const replies: TakeReply[] = [];
      for (let i = 0; i < 3; i++) replies.push(...await real.send([take(`real${i % 2}`)]) as TakeReply[]);
      const [to] = await other`SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text AS us`;
      const stamps = replies.map(({ nowUs }) => nowUs);
      assert.deepEqual(stamps, stamps.toSorted((a, b) => a - b));
      assert.ok(Number(from?.["us"]) <= (stamps[0] as number) && (stamps[2] as number) <= Number(to?.["us"]));
      assert.equal((await real.rows("api:real1"))[0]?.tat, String((stamps[1] as number) + 1_000_000));
    } finally {
      await real.close();
    }
  });

  it("sorts keys as the index does, whatever characters they have", async () => {
    const keys = ["a", "Z", "é", "\u{ffff}", "\u{1f600}", "\u{fb01}", "%", "ab"];
    await table.send(keys.map((key) => take(`sort${key}`)));
    const rows = await other.unsafe(`SELECT key FROM ${table.names.of("keys")} WHERE starts_with(key, 'api:sort')
      ORDER BY ctid`);
    assert.deepEqual(
      rows.map(({ key }) => key),
      keys.map((key) => `api:sort${key}`).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    );
  });
});
