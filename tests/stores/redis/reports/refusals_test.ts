import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import {
  createRateSync,
  type Decision,
  type LimiterOptions,
  type Logger,
  type RateSync,
  StoreError,
  type StoreEvent,
} from "../../../../mod.ts";
import { openRawRedis } from "../../../_support/raw_redis.ts";
import { freshPrefix, redisUrl } from "../../../_support/redis.ts";
import { REFUSALS, type RefusingServer } from "./_refusals.ts";
import { until } from "../_servers.ts";

const WINDOW = { limit: 1_000, windowMs: 3_600_000 } as const;

/** Every kind of limiter, and every script. */
const LIMITERS: Readonly<Record<string, LimiterOptions>> = {
  bucket: WINDOW,
  counter: { algorithm: "sliding_window_counter", ...WINDOW },
  fixed: { algorithm: "fixed_window", ...WINDOW },
  window: { algorithm: "sliding_window", ...WINDOW },
  slots: { maxConcurrent: 1_000 },
  several: { limits: [WINDOW, { algorithm: "sliding_window", ...WINDOW }] },
};

type Ask = (rs: RateSync, key: string) => Promise<Decision>;

/** Every kind of decision; a batch is many that one call decides. */
const ASKS: Readonly<Record<string, Ask>> = {
  ...Object.fromEntries(
    Object.keys(LIMITERS).map((id): [string, Ask] => [id, (rs, key) => rs.tryAcquire(id, { key })]),
  ),
  "batch of bucket": async (rs, key) => {
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, i) => rs.tryAcquire("bucket", { key: `${key}:${i}` })),
    );
    return all[0] as Decision;
  },
  "bucket and window at once": (rs, key) =>
    rs.tryAcquireAll([{ limiter: "bucket", key }, { limiter: "window", key }, { limiter: "fixed", key }]),
};

/** Which limiters a kind of decision needs. */
function limitersOf(kind: string): Record<string, LimiterOptions> {
  return Object.fromEntries(Object.entries(LIMITERS).filter(([id]) => kind.includes(id) || kind.includes("at once")));
}

function newInstance(
  { url }: Pick<RefusingServer, "url">,
  limiters: Record<string, LimiterOptions>,
  onStoreError?: "throw",
  keyPrefix: string = freshPrefix(),
) {
  const warnings: string[] = [];
  const infos: string[] = [];
  const events: StoreEvent[] = [];
  const quiet = () => {};
  const warn = (message: string) => void warnings.push(message);
  const logger: Logger = { debug: quiet, info: (message) => void infos.push(message), warn, error: warn };
  const rs = createRateSync({
    logger,
    stores: { shared: { engine: "redis", url, keyPrefix, ...onStoreError && { onStoreError } } },
    limiters,
  });
  rs.subscribeStores((event) => events.push(event));
  return { rs, warnings, infos, events };
}

// Each has a server of its own, and mostly waits.
describe("A store on a server that refuses", { concurrency: 4 }, () => {
  for (const { what, reason, advice, only, start } of REFUSALS) {
    describe(`A store whose server refuses because ${what}`, { concurrency: 1 }, () => {
      const kinds = Object.keys(ASKS).filter((kind) => only?.test(kind) ?? true);

      it(`fails each kind of decision with the reason ${reason}`, async () => {
        await using server = await start();
        const instances = kinds.map((kind) => ({ kind, ...newInstance(server, limitersOf(kind), "throw") }));
        if (server.begin !== undefined) {
          // Each has decided before, so that it knows the scripts.
          for (const { kind, rs } of instances) await (ASKS[kind] as Ask)(rs, "before");
          await server.begin();
        }
        for (const { kind, rs } of instances) {
          let found: unknown;
          // The first call to a server sends a script in full, and the second one its digest.
          for (let i = 0; i < 3 && found === undefined; i++) {
            await (ASKS[kind] as Ask)(rs, `key:${i}`).catch((error) => found = error);
          }
          assert.ok(found instanceof StoreError, `${kind}: ${found}`);
          assert.equal(found.reason, reason, `${kind}: ${found.message}`);
          assert.match(found.message, advice, kind);
          assert.ok(!inspect(found, { depth: 9, showHidden: true }).includes(server.secret), kind);
        }
        await server.end?.();
        for (const { rs } of instances) await rs.close();
      });

      it("opens the breaker, and is reported once when it begins and once when it ends", async () => {
        await using server = await start();
        const kind = kinds[0] as string;
        const { rs, warnings, infos, events } = newInstance(server, limitersOf(kind));
        if (server.begin !== undefined) {
          await (ASKS[kind] as Ask)(rs, "before");
          await server.begin();
        }
        infos.length = 0;
        const isDown = () => rs.listStores()["shared"]?.state === "down";
        for (let i = 0; i < 60; i++) await (ASKS[kind] as Ask)(rs, `key:${i}`);
        await until(async () => isDown() || !(await (ASKS[kind] as Ask)(rs, "again")).degraded);
        assert.ok(isDown(), JSON.stringify(rs.listStores()));
        // Looks agree with decisions: they do not take it for up again.
        await new Promise((resolve) => setTimeout(resolve, 700));
        for (let i = 0; i < 20; i++) assert.ok((await (ASKS[kind] as Ask)(rs, `more:${i}`)).degraded);
        assert.deepEqual(events.map(({ type }) => type), ["store_down"]);
        const listing = rs.listStores()["shared"];
        assert.deepEqual([listing?.state, listing?.error?.reason, listing?.outages], ["down", reason, 1]);
        assert.equal(warnings.length, 1, warnings.join("\n"));
        assert.match(warnings[0] as string, /^rate-sync: Redis .*: store "shared" cannot decide \(/);
        assert.ok(warnings[0]?.includes(`(${reason})`), warnings[0]);
        assert.match(warnings[0] as string, advice);
        assert.ok(!inspect([warnings, infos, events, listing], { depth: 9 }).includes(server.secret));
        const check = await rs.check();
        assert.deepEqual([check.ok, check.problems[0]?.reason], [false, reason], inspect(check));
        await assert.rejects(rs.connect(), { reason });
        if (server.end !== undefined) {
          await server.end();
          await until(async () => !(await (ASKS[kind] as Ask)(rs, "after")).degraded, 10_000);
          assert.deepEqual(events.map(({ type }) => type), ["store_down", "store_up"]);
          assert.deepEqual(warnings.length, 1, warnings.join("\n"));
          assert.equal(infos.length, 1, infos.join("\n"));
          assert.match(infos[0] as string, /^rate-sync: Redis available again: store "shared" decides, after \d/);
        }
        await rs.close();
      });
    });
  }
});

describe("A store with a value that it did not write", () => {
  it("fails calls for that key, decides for others, and names the limiter once", async () => {
    const raw = await openRawRedis();
    for (const [id, options] of Object.entries(LIMITERS)) {
      const keyPrefix = freshPrefix();
      const { rs, warnings, events } = newInstance({ url: redisUrl() }, { [id]: options }, "throw", keyPrefix);
      await raw.send(
        "SET",
        options.maxConcurrent ? `{${keyPrefix}:${id}:odd}:leases` : `${keyPrefix}:${id}:odd`,
        "odd",
      );
      for (let i = 0; i < 20; i++) {
        await assert.rejects(rs.tryAcquire(id, { key: "odd" }), { reason: "foreign_state", isOfKey: true }, id);
      }
      assert.equal((await rs.tryAcquire(id, { key: "other" })).degraded, false, id);
      assert.deepEqual(events.filter(({ type }) => type === "store_down"), [], id);
      assert.equal(warnings.length, 1, warnings.join("\n"));
      assert.ok(
        warnings[0]?.includes(`store "shared" cannot decide for a key of "${id}" (foreign_state): `),
        warnings[0],
      );
      await rs.close();
    }
    await raw.close();
  });
});
