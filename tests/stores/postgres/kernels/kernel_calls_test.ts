import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import postgres from "postgres";

import { createRateSync } from "../../../../mod.ts";
import { keepAlive } from "../../../../src/base/deadline.ts";
import { StoreError } from "../../../../src/base/errors.ts";
import { compilePolicy } from "../../../../src/policy/compile_policy.ts";
import type { LimiterOptions } from "../../../../src/policy/options.ts";
import type { PostgresConnection } from "../../../../src/stores/postgres/connections/connection.ts";
import { openPostgresJs } from "../../../../src/stores/postgres/connections/postgres_js.ts";
import { PostgresNames } from "../../../../src/stores/postgres/names.ts";
import { PostgresStore } from "../../../../src/stores/postgres/postgres_store.ts";
import type { PostgresStoreSettings } from "../../../../src/stores/postgres/store_settings.ts";
import type { RulesReport, TakeReply, TakeRequest, Target, Wakeup } from "../../../../src/stores/store.ts";
import { waiterId } from "../../../../src/stores/waiter_id.ts";
import { FakeClock } from "../../../../src/testing/fake_clock.ts";
import { dropSchema, freshSchema, postgresUrl } from "../../../_support/postgres.ts";

const MINUTE = { algorithm: "fixed_window", limit: 5, windowMs: 60_000 } as const;

describe("PostgresStore", () => {
  const schema = freshSchema();
  const names = new PostgresNames({ schema });
  const stores: PostgresStore[] = [];
  let raw: PostgresConnection;
  let keys = 0;
  let sequence = 0;

  before(async () => {
    raw = openPostgresJs({ url: postgresUrl() });
    await open().connect();
  });
  after(async () => {
    await Promise.all([...stores.map((store) => store.close()), raw.close()]);
    await dropSchema(schema);
  });

  function open(settings: PostgresStoreSettings = {}, change: Partial<PostgresConnection> = {}): PostgresStore {
    const connection = { ...openPostgresJs({ url: postgresUrl() }), ...change };
    const store = new PostgresStore(connection, { schema, ...settings });
    stores.push(store);
    return store;
  }

  function target(options: LimiterOptions, key: string = `k${++keys}`): Target {
    const policy = compilePolicy(options);
    return { limiter: "api", key, policy, cost: 1, permits: policy.maxConcurrent > 0 ? 1 : 0 };
  }

  function takeOf(targets: readonly Target[], more: Partial<TakeRequest> & { instance?: string } = {}): TakeRequest {
    const { mode = "now", maxWaitUs = mode === "wait" ? 60_000_000 : 0, instance = "test" } = more;
    const [{ permits, cost }] = targets as [Target];
    const id = permits === 0
      ? ""
      : waiterId({ instance, sequence: ++sequence, direct: true, maxWaitUs, permits, cost });
    return { op: "take", targets, mode, maxWaitUs, id, arrivalUs: 0 };
  }

  async function rowOf({ key }: Target): Promise<Readonly<Record<string, string | null>> | undefined> {
    const text = `SELECT xmin::text, ctid::text, rules::text, ends::text, queued::text, encode(state, 'hex') AS state
      FROM ${names.of("keys")} WHERE key = $1::text`;
    return (await raw.query({ text, values: [`api:${key}`] }))[0];
  }

  const run = (text: string) => raw.query({ text, values: [] });

  it("lets processes that meet on new keys admit no more than the limit together", async () => {
    const processes = Array.from({ length: 4 }, () => open());
    for (let round = 0; round < 5; round++) {
      const targets = [target(MINUTE), target(MINUTE), target({ maxConcurrent: 5 })];
      const replies = await Promise.all(processes.flatMap((store) => {
        return targets.flatMap((one) => Array.from({ length: 4 }, () => store.execute(takeOf([one]))));
      }));
      assert.equal(replies.filter(({ status }) => status === "allowed").length, 15);
    }
  });

  it("decides about large batches in parts, where other processes add a new key of them again and again", async () => {
    const client = postgres(postgresUrl(), { max: 1 });
    const connection = openPostgresJs({ url: postgresUrl() });
    const sizes: number[] = [];
    const crossed = new Set<string>();
    const model = target(MINUTE);
    const store = open({}, {
      ...connection,
      async transaction(first, next) {
        const keys = JSON.parse((first.values[0] as string).replace("{", "[").replace("}", "]")) as string[];
        sizes.push(keys.length);
        const fresh = keys.find((key) => !crossed.has(key));
        if (keys.length === 1 || fresh === undefined) return await connection.transaction(first, next);
        crossed.add(fresh);
        const added = await client.reserve();
        await added`BEGIN`;
        await added.unsafe(
          `INSERT INTO ${names.of("keys")} SELECT tat, rem, rules, $1, ends, extra, queued, state FROM ${
            names.of("keys")
          }
            WHERE key = $2 ON CONFLICT DO NOTHING`,
          [fresh, `api:${model.key}`],
        );
        const running = connection.transaction(first, next);
        await sleep(20); // until it waits for the new row
        await added`COMMIT`;
        added.release();
        return await running;
      },
    });
    await store.execute(takeOf([model]));
    sizes.length = 0;
    const targets = Array.from({ length: 8 }, () => target(MINUTE));
    const replies = await Promise.all(targets.map((one) => store.execute(takeOf([one]))));
    assert.ok(replies.every(({ status }) => status === "allowed"));
    assert.deepEqual(sizes.slice(0, 3), [8, 8, 4]);
    await client.end();
  });

  it("writes nothing when it denies or peeks", async () => {
    const store = open();
    for (const options of [MINUTE, { ...MINUTE, algorithm: "sliding_window" }, { maxConcurrent: 1 }] as const) {
      const one = target({ ...options });
      const fresh = target({ ...options });
      await Promise.all(Array.from({ length: 6 }, () => store.execute(takeOf([one]))));
      const row = await rowOf(one);
      assert.notEqual((await store.execute(takeOf([one]))).status, "allowed");
      await store.execute(takeOf([one], { mode: "peek" }));
      await store.execute(takeOf([fresh], { mode: "peek" }));
      assert.notEqual((await store.execute(takeOf([fresh, one]))).status, "allowed");
      assert.deepEqual(await rowOf(one), row);
      assert.equal(await rowOf(fresh), undefined);
    }
  });

  it("fails only the requests whose row it cannot read, and leaves the row alone", async () => {
    const store = open();
    const [whole, foreign, damaged] = [target(MINUTE), target(MINUTE), target(MINUTE)];
    await Promise.all([whole, foreign, damaged].map((one) => store.execute(takeOf([one]))));
    await run(`UPDATE ${names.of("keys")} SET state = '\\x0200' WHERE key = 'api:${foreign.key}'`);
    await run(`UPDATE ${names.of("keys")} SET state = substr(state, 1, 3) WHERE key = 'api:${damaged.key}'`);
    const rows = [await rowOf(foreign), await rowOf(damaged)];
    const [one, two, three] = await Promise.allSettled([whole, foreign, damaged].map((each) => {
      return store.execute(takeOf([each]));
    }));
    assert.equal(one?.status, "fulfilled");
    for (const [outcome, message] of [[two, /it has form 2/], [three, /its bytes are damaged/]] as const) {
      assert.ok(outcome?.status === "rejected" && outcome.reason instanceof StoreError);
      assert.deepEqual([outcome.reason.reason, outcome.reason.isOfKey], ["foreign_state", true]);
      assert.match(outcome.reason.message, message);
    }
    assert.deepEqual([await rowOf(foreign), await rowOf(damaged)], rows);
  });

  it("keeps the order of calls on one key, also over several transactions", async () => {
    const store = open();
    const one = target({ maxConcurrent: 1 });
    const first = takeOf([one]);
    const statuses: string[] = [];
    const replies = [first, takeOf([one])].map((request) => store.execute(request));
    await new Promise((resolve) => setImmediate(resolve)); // those are on their way
    const release = store.execute({ op: "release", targets: [one], id: first.id });
    await new Promise((resolve) => setImmediate(resolve));
    replies.push(store.execute(takeOf([one])));
    for (const reply of await Promise.all(replies)) statuses.push(reply.status);
    assert.deepEqual(await release.then(({ counts }) => counts), [1]);
    assert.deepEqual(statuses, ["allowed", "permits", "allowed"]);
  });

  it("forgets rows that have been as good as fresh for a minute, and no others", async () => {
    const clock = new FakeClock();
    const store = open({ testClock: clock, tablePrefix: "clean_" });
    const table = names.of("clean_keys");
    const count = async () => Number((await run(`SELECT count(*)::text AS count FROM ${table}`))[0]?.["count"]);
    const held = target({ maxConcurrent: 1, leaseTtlMs: 3_600_000 });
    const long = target({ ...MINUTE, windowMs: 3_600_000 });
    const short = Array.from({ length: 40 }, (_, i) => target(i % 2 === 0 ? MINUTE : { ratePerSecond: 1 }));
    await Promise.all([held, long, ...short].map((one) => store.execute(takeOf([one]))));
    assert.equal(await count(), 42);
    for (const [us, left] of [[60_500_000, 42], [61_000_000, 2]] as const) {
      clock.set(clock.nowUs() + us);
      await run(`SELECT ${names.of("clean_clean_1")}(0, 100, ${clock.nowUs()})`);
      assert.equal(await count(), left);
    }
    clock.set(clock.nowUs() + 3_600_000_000);
    await run(`SELECT ${names.of("clean_clean_1")}(0, 100, ${clock.nowUs()})`);
    assert.equal(await count(), 0);
  });

  it("counts on under other rules, and forgets what they counted when no process uses them", async () => {
    const clock = new FakeClock();
    const [old, young] = [open({ testClock: clock }), open({ testClock: clock })];
    const reports: RulesReport[] = [];
    young.watchRules((report) => void reports.push(report));
    const [bucket, window] =
      ([{ ratePerSecond: 1, burst: 10 }, { ...MINUTE, algorithm: "sliding_window", limit: 4 }] as const)
        .map((options) => ({ ...target(options, "one"), limiter: "deployed" })) as [Target, Target];
    const statuses = async (store: PostgresStore, one: Target, count: number) => {
      const replies: TakeReply[] = [];
      for (let i = 0; i < count; i++) replies.push(await store.execute(takeOf([one])));
      return replies.filter(({ status }) => status === "allowed").length;
    };
    assert.equal(await statuses(old, bucket, 3), 3);
    assert.equal(await statuses(young, window, 3), 1); // the units of the others count
    assert.equal(await statuses(old, bucket, 9), 6);
    assert.equal(await statuses(young, window, 1), 0);
    assert.deepEqual(reports.map(({ others }) => others), [["token_bucket 1 in 1000 ms, burst 10"]]);
    await old.close();
    clock.set(clock.nowUs() + 61_000_000);
    assert.equal(await statuses(young, window, 5), 4);
    // On a busy server the sign-off of the other one may come behind the next look at the rules. All looks are within the
    // five minutes after which rules are forgotten without a sign-off.
    for (let looks = 0; looks < 3 && reports.at(-1)?.others.length !== 0; looks++) {
      await sleep(200);
      clock.set(clock.nowUs() + 61_000_000);
      await statuses(young, window, 1);
    }
    assert.deepEqual(reports.at(-1)?.others, []);
  });

  it("knows what it has counted where the rules that wrote last are gone, and others are not", async () => {
    const clock = new FakeClock();
    const processes = [open({ testClock: clock }), open({ testClock: clock }), open({ testClock: clock })] as const;
    const [window, other, bucket] = ([
      { algorithm: "sliding_window", limit: 4, windowMs: 3_600_000 },
      { algorithm: "fixed_window", limit: 5, windowMs: 3_600_000 },
      { ratePerSecond: 100, burst: 10 },
    ] as const).map((options) => ({ ...target(options, "left"), limiter: "left" })) as [Target, Target, Target];
    const take = (process: 0 | 1 | 2, one: Target) => processes[process].execute(takeOf([one]));
    for (let i = 0; i < 4; i++) assert.equal((await take(0, window)).status, "allowed");
    for (const [process, one] of [[1, other], [2, bucket]] as const) {
      assert.equal((await take(process, one)).status, "allowed");
    }
    // A process tells its rules, and reads those of others, behind its calls. The bucket refills before its rules go.
    for (let i = 0; i < 9; i++) {
      clock.set(clock.nowUs() + 61_000_000);
      if (i === 2) await processes[2].close();
      for (const [process, one] of [[0, window], [1, other], [2, bucket]] as const) {
        if (process < 2 || i < 2) await take(process, { ...one, key: "another" });
      }
      await sleep(100);
    }
    assert.equal((await take(0, window)).status, "rate");
  });

  it("forgets rules that no process uses and no row needs, and none before", async () => {
    const clock = new FakeClock(1_700_000_000_000_000);
    const settings = { testClock: clock, tablePrefix: "forgetting_" };
    const all = new PostgresNames({ schema, ...settings });
    const [unused, needed, young] = [
      target(MINUTE, "a"),
      target({ limit: 1, windowMs: 30 * 86_400_000 }, "b"),
      target({ limit: 2, windowMs: 1_000 }, "c"),
    ];
    const old = open(settings);
    for (const one of [unused, needed]) await old.execute(takeOf([one]));
    await old.close();
    const store = open(settings);
    const idOf = async (one: Target) => {
      const text = `SELECT id::text FROM ${all.of("rules")} WHERE rates = $1::text`;
      return (await raw.query({ text, values: [JSON.stringify(one.policy.rates)] }))[0]?.["id"];
    };
    // Each look finds rules, or forgets those of the look before.
    const look = async () => {
      for (let i = 0; i < 2; i++) {
        clock.set(clock.nowUs() + 3_700_000_000);
        await store.execute(takeOf([young]));
        await sleep(100);
      }
    };
    await store.execute(takeOf([young]));
    await look();
    assert.notEqual(await idOf(unused), undefined, "forgotten on the first day");
    clock.set(clock.nowUs() + 2 * 86_400_000_000);
    await store.execute(takeOf([young]));
    // A section of other rules may name any of them.
    await run(
      `INSERT INTO ${all.of("keys")} SELECT 0, NULL, ${await idOf(young)}, 'api:d', ${
        2n ** 60n
      }, NULL, NULL, '\\x0104'`,
    );
    await run(`DELETE FROM ${all.of("keys")} WHERE key = 'api:a'`);
    await look();
    assert.notEqual(await idOf(unused), undefined, "forgotten beside sections");
    await run(`DELETE FROM ${all.of("keys")} WHERE key = 'api:d'`);
    for (let looks = 0; looks < 5 && await idOf(unused) !== undefined; looks++) await look();
    assert.equal(await idOf(unused), undefined);
    assert.notEqual(await idOf(needed), undefined);
    // Rules that are used again get a new number, and rows of those that stayed still count.
    assert.equal((await store.execute(takeOf([unused]))).status, "allowed");
    assert.equal((await store.execute(takeOf([needed]))).status, "rate");
  });

  it("hands permits to waiting calls of other processes, by messages or by a mailbox", async () => {
    for (const change of [{}, { listen: undefined } as unknown as Partial<PostgresConnection>]) {
      const [holder, waiter] = [open(), open({}, change)];
      const one = target({ maxConcurrent: 1 });
      const held = takeOf([one]);
      await holder.execute(held);
      const granted = new Promise<Wakeup>((resolve) => {
        const listener = { instance: `waiter${keys}`, targetOf: () => one, wakeup: resolve, missed: () => {} };
        void waiter.listen(listener).then(() => {
          return waiter.execute(takeOf([one], { mode: "wait", instance: listener.instance }));
        }).then(({ status }) => {
          assert.equal(status, "queued");
          void holder.execute({ op: "release", targets: [one], id: held.id });
        });
      });
      const alive = keepAlive(); // a message may be all that is on its way
      const { kind, reply } = await granted.finally(() => alive.cancel());
      assert.equal(kind, "granted");
      assert.equal(reply.levels[0]?.permits?.used, 1);
    }
  });

  it("skips waiting calls of a process that has closed", async () => {
    const [holder, gone] = [open(), open()];
    const one = target({ maxConcurrent: 1 });
    const held = takeOf([one]);
    await holder.execute(held);
    await gone.listen({ instance: "gone", targetOf: () => one, wakeup: () => {}, missed: () => {} });
    assert.equal((await gone.execute(takeOf([one], { mode: "wait", instance: "gone" }))).status, "queued");
    assert.equal((await rowOf(one))?.["queued"], "true");
    await gone.close();
    await holder.execute({ op: "release", targets: [one], id: held.id });
    assert.equal((await holder.execute(takeOf([one]))).status, "allowed");
    assert.equal((await rowOf(one))?.["queued"], null);
  });

  it("decides once, although the server ended its transaction because the process stood still", async () => {
    const opened = openPostgresJs({ url: postgresUrl() });
    let stands = 0;
    const stand = () => {
      for (const endMs = performance.now() + 400; stands === 1 && performance.now() < endMs;);
    };
    const store = open({}, {
      ...opened,
      transaction: (first, next) =>
        opened.transaction(first, (rows) => {
          const statement = next(rows);
          stands++;
          stand();
          return statement;
        }),
    });
    const one = target(MINUTE);
    const { status, levels } = await store.execute(takeOf([one]));
    assert.deepEqual([status, levels[0]?.rates[0]?.[0], stands], ["allowed", 1, 2]);
  });

  it("makes its tables again when they are gone, and lets many processes do that at once", async () => {
    const processes = Array.from({ length: 5 }, () => open({ tablePrefix: "again_" }));
    await Promise.all(processes.map((store) => store.connect()));
    const one = target(MINUTE);
    await processes[0]?.execute(takeOf([one]));
    await run(`DROP TABLE ${names.of("again_keys")}`);
    const says = {
      reason: "schema_missing",
      message: /\(42P01\): the next call makes it again, and limits begin anew$/,
    };
    await assert.rejects(async () => await processes[0]?.execute(takeOf([one])), says);
    assert.equal((await processes[0]?.execute(takeOf([one])))?.status, "allowed");
  });

  it("keeps limiters of every kind beside each other in one instance", async () => {
    const limiters = {
      bucket: { ratePerSecond: 10, burst: 2 },
      windows: { limits: [MINUTE, { ...MINUTE, windowMs: 3_600_000, limit: 7 }] },
      both: { ...MINUTE, maxConcurrent: 2 },
    } as const;
    await using rs = createRateSync({ stores: { s: open() }, limiters });
    for (const [limiter, count] of [["bucket", 2], ["windows", 5], ["both", 2]] as const) {
      const decisions = await Promise.all(Array.from({ length: 8 }, () => rs.tryAcquire(limiter)));
      assert.equal(decisions.filter(({ allowed }) => allowed).length, count, limiter);
    }
    const both = await rs.tryAcquireAll(
      ["bucket", "windows"].map((limiter) => ({ limiter: limiter as "bucket", key: "x" })),
    );
    assert.equal(both.allowed, true);
  });
});
