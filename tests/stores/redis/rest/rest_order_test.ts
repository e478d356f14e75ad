import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type RateSync, type StoreEvent } from "../../../../mod.ts";
import { bucket, coordinate, fixedWindow } from "../../../../src/stores/redis/scripts.gen.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { type RestRedis, startRestRedis, TOKEN } from "../../../_support/rest_redis.ts";
import { places } from "./_rest_places.ts";
import { until } from "../_servers.ts";

const QUIET = { debug() {}, info() {}, warn() {}, error() {} };
const LIMITERS = {
  bucket: { ratePerSecond: 10_000, burst: 10_000 },
  window: { algorithm: "fixed_window", limit: 1_000_000, windowMs: 3_600_000 },
  slots: { maxConcurrent: 1_000 },
  one: { limit: 1, windowMs: 3_600_000 },
} as const;

const SCRIPTS = { bucket: [bucket.sha1], window: [fixedWindow.sha1], slots: [coordinate.sha1] } as const;

for (const [kind, place] of Object.entries(places)) {
  describe(`Requests over REST through ${kind}`, () => {
    let endpoint: RestRedis;
    let rs: RateSync<keyof typeof LIMITERS>;
    let downs: StoreEvent[] = [];

    before(async () => {
      endpoint = await startRestRedis();
      const store = { engine: "redis", keyPrefix: freshPrefix(), ...place(endpoint.url) } as const;
      rs = createRateSync({ logger: QUIET, stores: { main: store as never }, limiters: LIMITERS });
      rs.subscribeStores((event) => event.type === "store_down" && downs.push(event));
      // Every script is known, and the time that an answer takes.
      for (let i = 0; i < 20; i++) {
        for (const id of ["bucket", "window", "slots"] as const) await (await rs.tryAcquire(id)).permit?.release();
      }
    });
    after(async () => {
      await rs?.close();
      await endpoint?.[Symbol.asyncDispose]();
    });

    it("go on for every key and kind of limit while one of them hangs", async () => {
      for (const hanging of ["bucket", "window", "slots"] as const) {
        downs = [];
        let hung = 0;
        endpoint.misbehave = () => hung++ === 0; // the first alone, for ever
        const lost = rs.tryAcquire(hanging, { key: "hung" });
        await until(() => hung > 0);
        const startMs = performance.now();
        const others = await Promise.all(
          (["bucket", "window", "slots"] as const).flatMap((id) =>
            ["hung", "other"].map((key) => rs.tryAcquire(id, { key }))
          ),
        );
        const tookMs = performance.now() - startMs;
        endpoint.misbehave = undefined;
        assert.deepEqual(others.map(({ degraded }) => degraded), Array(6).fill(false));
        assert.ok(tookMs < 900, `${tookMs} ms`);
        assert.equal((await lost).degraded, true, "its own request is lost");
        assert.deepEqual(downs, []);
      }
    });

    it("take two round trips at most, for limits of every kind at once", async () => {
      /** The requests: when they came and when they were answered, by an order of all that happens. */
      const requests: { readonly digest: string; readonly body: string; readonly came: number; answered: number }[] =
        [];
      let order = 0;
      endpoint.afterwards = async (_request, _response, body) => {
        const [, digest = ""] = JSON.parse(body) as string[];
        const request = { digest, body, came: order++, answered: Infinity };
        requests.push(request);
        await sleep(60);
        request.answered = order++;
        return false;
      };
      const worst = await Promise.all((["bucket", "window", "slots"] as const).map(async (id) => {
        let most = 0;
        await Promise.all([1, 2, 3].map(async (caller) => {
          for (let i = 0; i < 15; i++) {
            const called = order++;
            const key = `caller ${caller}, call ${i}.`;
            const decision = await rs.tryAcquire(id, { key });
            assert.equal(decision.degraded, false);
            const own = requests.find(({ digest, body }) => digest === SCRIPTS[id][0] && body.includes(key));
            // Those that the call had to wait for: others may be under way beside its own.
            const before = requests.filter(({ digest, came, answered }) =>
              digest === own?.digest && came > called && answered < own.came
            );
            most = Math.max(most, own === undefined ? NaN : before.length + 1);
            void decision.permit?.release();
            await sleep(Math.random() * 10);
          }
        }));
        return most;
      }));
      endpoint.afterwards = undefined;
      assert.ok(worst.every((most) => most >= 1 && most <= 2), String(worst));
    });
  });
}

// Each has an endpoint of its own, and mostly waits.
describe("A service over REST that limits how often it is asked", { concurrency: 5 }, () => {
  const answers: readonly (readonly [name: string, headers: () => Record<string, string>, waitMs: number])[] = [
    ["seconds", () => ({ "retry-after": "2" }), 2_000],
    ["an instant", () => ({
      "retry-after": new Date(Date.UTC(2020, 0, 1, 0, 0, 2)).toUTCString(),
      date: new Date(Date.UTC(2020, 0, 1)).toUTCString(),
    }), 2_000],
    ["nothing", () => ({}), 1_000],
    ["nothing that can be read", () => ({ "retry-after": "soon" }), 1_000],
  ];
  for (const [name, headers, waitMs] of answers) {
    it(`is not asked again before its Retry-After is over, which says ${name}`, async () => {
      await using endpoint = await startRestRedis();
      const store = { engine: "redis", url: endpoint.url, token: "t", keyPrefix: freshPrefix() } as const;
      await using rs = createRateSync({ logger: QUIET, stores: { main: store }, limiters: LIMITERS });
      const downs: StoreEvent[] = [];
      rs.subscribeStores((event) => downs.push(event));
      const asked: number[] = [];
      endpoint.misbehave = (_, response) => {
        asked.push(performance.now());
        response.writeHead(429, { "content-type": "application/json", ...headers() });
        response.end('{"error":"ERR max requests limit exceeded"}');
        return true;
      };
      const startMs = performance.now();
      while (performance.now() - startMs < waitMs + 700) {
        await rs.tryAcquire("bucket", { key: crypto.randomUUID() });
        await rs.refund("window", 1).catch(() => {});
        await rs.check("main");
        await sleep(20);
      }
      const early = asked.slice(1).filter((at) => at - (asked[0] as number) < waitMs - 5);
      assert.deepEqual(early, [], "nothing was sent");
      assert.ok(asked.length > 1 && asked.length < 5, `asked again, ${asked.length} times in all`);
      assert.equal(downs.filter(({ type }) => type === "store_down").length, 1);
      const { error, state } = rs.listStores()["main"] as {
        error: { reason: string; retryAfterMs: number };
        state: string;
      };
      assert.deepEqual([state, error.reason], ["down", "too_many_requests"]);
      // A service that does not say how long is left alone for twice as long after each refusal.
      const mostMs = name.startsWith("nothing") ? waitMs * 2 ** (asked.length - 1) : waitMs;
      assert.ok(error.retryAfterMs > 0 && error.retryAfterMs <= mostMs, String(error.retryAfterMs));
      assert.equal((await rs.tryAcquire("bucket")).degraded, true);
    });
  }

  it("is asked again afterwards", async () => {
    await using endpoint = await startRestRedis();
    const store = { engine: "redis", url: endpoint.url, token: TOKEN, keyPrefix: freshPrefix() } as const;
    await using rs = createRateSync({ logger: QUIET, stores: { main: store }, limiters: LIMITERS });
    endpoint.misbehave = (_, response) => {
      response.writeHead(429, { "retry-after": "1" }).end("{}");
      return true;
    };
    assert.equal((await rs.tryAcquire("bucket")).degraded, true);
    endpoint.misbehave = undefined;
    await until(async () => !(await rs.tryAcquire("bucket", { key: crypto.randomUUID() })).degraded, 4_000);
  });
});
