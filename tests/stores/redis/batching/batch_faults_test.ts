import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";

import { createRateSync, type LimiterOptions, type RateSync } from "../../../../mod.ts";
import { ClosedError, StoreError } from "../../../../src/base/errors.ts";
import { compilePolicy } from "../../../../src/policy/compile_policy.ts";
import { openNodeRedis } from "../../../../src/stores/redis/connections/node_redis.ts";
import { isRegister } from "../../../../src/stores/redis/keys.ts";
import { RedisStore } from "../../../../src/stores/redis/redis_store.ts";
import type { TakeReply } from "../../../../src/stores/store.ts";
import { runWorker } from "../../../_support/processes.ts";
import { forbidUnhandledRejections } from "../../../limiter/_unhandled.ts";
import { type RedisProcess, startRedis, startServer, until } from "../_servers.ts";

/** So long that nothing refills. */
const LONG_MS = 1e10;
const REASON: unknown = Object.freeze({ why: "enough" });
/** More than fits into the calls that may be in flight, of 128 requests each: the rest waits to be sent. */
const ASKED = 32 * 128 + 900;
const OPTIONS = { timeout: 60_000 };

const LIMITERS = {
  bucket: { limit: 1_000_000, windowMs: 1e12 },
  window: { algorithm: "sliding_window", limit: 100_000, windowMs: LONG_MS },
  fixed: { algorithm: "fixed_window", limit: 1_000_000, windowMs: LONG_MS },
  counter: { algorithm: "sliding_window_counter", limit: 1_000_000, windowMs: LONG_MS },
  both: {
    algorithm: "fixed_window",
    limit: 100_000,
    windowMs: LONG_MS,
    maxConcurrent: 100_000,
    leaseTtlMs: 86_400_000,
  },
} as const satisfies Record<string, LimiterOptions>;

type Id = keyof typeof LIMITERS;
const IDS = Object.keys(LIMITERS) as Id[];

let server: RedisProcess;
before(async () => void (server = await startRedis()));
after(() => server?.[Symbol.asyncDispose]());

/** An instance that has done everything once. */
async function instance(url: string, poolMaxSize = 2): Promise<RateSync<Id>> {
  const limiters = Object.entries(LIMITERS).map(([id, limit]) => [id, { ...limit, onStoreError: "throw" }]);
  const rs = createRateSync<Id>({
    stores: { shared: { engine: "redis", url, poolMaxSize, socketTimeoutMs: 30_000, decisionTimeoutMs: Infinity } },
    limiters: Object.fromEntries(limiters) as Record<Id, LimiterOptions>,
  });
  for (const id of IDS) await (await rs.tryAcquire(id, { key: "warm" })).permit?.release();
  return rs;
}

/** How many requests are in flight. */
function sentOf(rs: RateSync<Id>): number {
  return 128 * (rs.listStores()["shared"]?.load?.calls ?? 0);
}

/** Long enough for all calls that may be in flight to be sent, one in each turn of the event loop. */
async function turn(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Keeps scripts from running, until it is disposed. Everything is sent and waits at the server. */
async function pause(): Promise<AsyncDisposable> {
  await server.command("CLIENT", "PAUSE", "50000", "WRITE");
  return { [Symbol.asyncDispose]: async () => void await server.command("CLIENT", "UNPAUSE") };
}

/** Kills connections of this package: all, or those that last did `command`. */
async function kill(command = ""): Promise<void> {
  const clients = String(await server.command("CLIENT", "LIST")).split("\n");
  for (const client of clients.filter((line) => line.includes("name=ratesync ") && line.includes(`cmd=${command}`))) {
    await server.command("CLIENT", "KILL", "ID", /^id=(\d+)/.exec(client)?.[1] ?? "");
  }
}

/** Asks for a unit of each of many keys, in one turn. */
function askMany(rs: RateSync<Id>, name: string, count = ASKED): Promise<unknown>[] {
  const asked = Array.from({ length: count }, (_, i) => rs.tryAcquire("bucket", { key: `${name}:${i}` }));
  // Tests look at them later than they can fail.
  for (const call of asked) call.catch(() => {});
  return asked;
}

/** How many units were taken from each of those keys. */
async function chargesOf(rs: RateSync<Id>, name: string, count = ASKED): Promise<number[]> {
  const keys = Array.from({ length: count }, (_, i) => `${name}:${i}`);
  const peeks = await Promise.all(keys.map((key) => rs.peek("bucket", { key })));
  return peeks.map(({ remaining }) => LIMITERS.bucket.limit - remaining);
}

/** What calls reject with: a `StoreError` for each, and no two the same. Undefined for those that were answered. */
async function errorsOf(asked: readonly Promise<unknown>[]): Promise<(StoreError | undefined)[]> {
  const errors = (await Promise.allSettled(asked)).map((outcome) => {
    if (outcome.status === "fulfilled") return undefined;
    assert.ok(outcome.reason instanceof StoreError, inspect(outcome.reason));
    return outcome.reason;
  });
  const failed = errors.filter((error) => error !== undefined);
  assert.equal(new Set(failed).size, failed.length, "each caller has its own error");
  return errors;
}

async function recovers(rs: RateSync<Id>): Promise<void> {
  await until(() => rs.tryAcquire("bucket", { key: "later" }).then(() => true, () => false));
}

describe("A connection that dies with calls in flight and requests queued", () => {
  forbidUnhandledRejections();

  it("fails each of them with its own error if there is no other connection", OPTIONS, async () => {
    await using rs = await instance(server.url, 1);
    let asked: Promise<unknown>[];
    let sent: number;
    {
      await using _paused = await pause();
      asked = askMany(rs, "only");
      await turn();
      sent = sentOf(rs);
      await kill();
    }
    const errors = await errorsOf(asked);
    for (const [i, error] of errors.entries()) {
      if (i < sent) assert.match(error?.message ?? "", /may have run/);
      else {assert.doesNotMatch(
          error?.message ?? "",
          /may have run/,
          "the error of a request that was not sent says so",
        );}
    }
    await recovers(rs);
    const charges = await chargesOf(rs, "only");
    assert.deepEqual(charges, errors.map((error) => error === undefined ? 1 : 0), "nothing is sent again");
  });

  it("sends queued requests through a spare connection", OPTIONS, async () => {
    await using rs = await instance(server.url);
    let asked: Promise<unknown>[];
    let sent: number;
    {
      await using _paused = await pause();
      asked = askMany(rs, "spare");
      await turn();
      sent = sentOf(rs);
      await kill("eval");
    }
    const errors = await errorsOf(asked);
    const charges = await chargesOf(rs, "spare");
    assert.deepEqual(charges, charges.map((_, i) => i < sent ? 0 : 1));
    assert.deepEqual(charges, errors.map((error) => error === undefined ? 1 : 0));
  });

  it("charges no caller twice that was killed at any moment, and serves later callers", OPTIONS, async (t) => {
    await using rs = await instance(server.url);
    let lost = 0;
    for (let round = 0; round < 12; round++) {
      const name = `any:${round}`;
      const asked = askMany(rs, name);
      for (let turns = 0; turns < round; turns++) await turn();
      await kill();
      const errors = await errorsOf(asked);
      lost += errors.filter((error) => error !== undefined).length;
      await recovers(rs);
      const charges = await chargesOf(rs, name);
      for (const [i, error] of errors.entries()) {
        if (error === undefined) assert.equal(charges[i], 1, "answered, so it was taken");
        else assert.ok((charges[i] as number) <= 1, `${charges[i]} units for one request`);
      }
    }
    t.diagnostic(`${lost} of ${12 * ASKED} were lost`);
  });

  it("reports a server that dies, and sends nothing again to the next", OPTIONS, async () => {
    await using own = await startRedis();
    await using rs = await instance(own.url);
    own.signal("SIGSTOP");
    const asked = askMany(rs, "dead");
    await turn();
    own.signal("SIGKILL");
    const errors = await errorsOf(asked);
    assert.ok(errors.every((error) => error?.code === "STORE_UNAVAILABLE"));
    await own.stop();
    await own.start();
    await recovers(rs);
    const keys = (await own.command("KEYS", "*") as string[]).filter((key) => !isRegister(key, "rate_limit:"));
    assert.equal(keys.length, 1, "only the key of the one who asked later");
  });

  it("has charged once for calls that ran without an answer, and not for queued ones", OPTIONS, async () => {
    let swallows = false;
    const cuts = new Set<() => void>();
    await using proxy = await startServer((socket) => {
      const upstream = createConnection(server.port, "127.0.0.1");
      upstream.on("error", () => {});
      socket.on("data", (data) => void upstream.write(data));
      upstream.on("data", (data) => void (swallows || socket.write(data)));
      upstream.on("close", () => socket.destroy());
      socket.on("close", () => upstream.destroy());
      cuts.add(() => socket.destroy());
    });
    await using rs = await instance(`redis://127.0.0.1:${proxy.port}`);
    await server.command("CONFIG", "RESETSTAT");
    swallows = true;
    const asked = askMany(rs, "unheard");
    await turn();
    const sent = sentOf(rs);
    const ran = `cmdstat_evalsha:calls=${sent / 128},`;
    await until(async () => String(await server.command("INFO", "commandstats")).includes(ran));
    for (const cut of cuts) cut();
    swallows = false;
    const errors = await errorsOf(asked);
    assert.ok(errors.slice(0, sent).every((error) => error?.code === "STORE_UNAVAILABLE"));
    await recovers(rs);
    const charges = await chargesOf(rs, "unheard");
    assert.deepEqual(charges, errors.map((error, i) => i < sent || error === undefined ? 1 : 0));
  });
});

describe("A script flush under load", () => {
  forbidUnhandledRejections();

  it("loses no request and charges none twice", OPTIONS, async (t) => {
    await using rs = await instance(server.url);
    let isOver = false;
    let flushes = 0;
    const flushing = (async () => {
      for (; !isOver; flushes++) await server.command("SCRIPT", "FLUSH");
    })();
    const counts = Object.fromEntries(IDS.map((id) => [id, 0])) as Record<Id, number>;
    const callers = Array.from({ length: 300 }, async (_, i) => {
      for (let left = 40; left > 0; left--) {
        const id = IDS[(i + left) % IDS.length] as Id;
        assert.ok((await rs.tryAcquire(id, { key: "flushed" })).allowed);
        counts[id]++;
      }
    });
    await Promise.all(callers);
    isOver = true;
    await flushing;
    t.diagnostic(`${flushes} flushes during 12000 requests`);
    assert.ok(flushes >= 5, `${flushes} flushes`);
    for (const id of IDS) {
      const { remaining, limit } = await rs.peek(id, { key: "flushed" });
      assert.equal(limit - remaining, counts[id], id);
    }
  });
});

describe("A caller who gives up", () => {
  forbidUnhandledRejections();

  async function assertGivenUp(calls: readonly Promise<unknown>[]): Promise<void> {
    for (const call of calls) await call.then(() => assert.fail("it was not given up"), (e) => assert.equal(e, REASON));
  }

  it("while the request is queued rejects at once, and nothing is sent", OPTIONS, async () => {
    await using rs = await instance(server.url);
    const abort = new AbortController();
    let fillers: Promise<unknown>[];
    {
      await using _paused = await pause();
      fillers = askMany(rs, "filler");
      await turn();
      const calls = IDS.map((id) => rs.acquire(id, { key: "queued", signal: abort.signal }));
      await turn();
      abort.abort(REASON);
      await assertGivenUp(calls);
    }
    await Promise.all(fillers);
    await rs.tryAcquire("bucket", { key: "later" });
    for (const id of IDS) {
      assert.equal(await server.command("EXISTS", `rate_limit:${id}:queued`), 0, `${id} was never asked for it`);
    }
  });

  for (const id of IDS) {
    it(`while ${id} decides gets nothing, and what was taken goes back`, OPTIONS, async () => {
      await using rs = await instance(server.url);
      const abort = new AbortController();
      const key = "in flight";
      let given: Promise<unknown>[];
      let kept: Promise<unknown>[];
      {
        await using _paused = await pause();
        const ask = (signal?: AbortSignal) => rs.acquire(id, signal === undefined ? { key } : { key, signal });
        [given, kept] = [[], []];
        for (let i = 0; i < 50; i++) {
          given.push(ask(abort.signal));
          if (i % 5 === 0) kept.push(ask());
        }
        await turn();
        abort.abort(REASON);
        await assertGivenUp(given);
      }
      await Promise.all(kept);
      const taken = async () => LIMITERS[id].limit - (await rs.peek(id, { key })).remaining;
      await until(async () => await taken() === kept.length).catch(async () =>
        assert.equal(await taken(), kept.length)
      );
      assert.equal(rs.metrics(id).currentConcurrent, id === "both" ? kept.length : 0);
    });
  }
});

describe("RedisStore.close()", () => {
  forbidUnhandledRejections();

  it("rejects queued requests, and lets those in flight be answered", OPTIONS, async () => {
    const rs = await instance(server.url);
    let asked: Promise<unknown>[];
    let closed: Promise<void>;
    let sent: number;
    {
      await using _paused = await pause();
      asked = askMany(rs, "closed");
      await turn();
      sent = sentOf(rs);
      closed = rs.close();
    }
    for (const outcome of await Promise.allSettled(asked.slice(sent))) {
      assert.ok(outcome.status === "rejected" && outcome.reason instanceof ClosedError, inspect(outcome));
    }
    await Promise.all(asked.slice(0, sent));
    await closed;
    await using other = await instance(server.url);
    const charges = await chargesOf(other, "closed");
    assert.deepEqual(charges, charges.map((_, i) => i < sent ? 1 : 0));
  });

  it("lets the process end after any use", OPTIONS, async () => {
    const { code, stdout, stderr } = await runWorker("stores/redis/batching/batch_worker", [server.url]);
    assert.equal(code, 0, stderr);
    const { answered, closed } = JSON.parse(stdout);
    assert.equal(answered + closed, 10_000);
    assert.ok(answered >= 128 && closed > 0, stdout);
  });
});

describe("A register that cannot be read", () => {
  forbidUnhandledRejections();

  it("fails its calls, also where it is read before the others of their batch are answered", OPTIONS, async () => {
    const inner = openNodeRedis({ url: server.url });
    let letGo = () => {};
    const held = new Promise<void>((resolve) => letGo = resolve);
    let isHeld = false;
    let readings = 0;
    const run: typeof inner.run = async (script, keys, args) => {
      if (script.name === "register" && keys[0]?.includes("late") && readings++ === 0) {
        throw new StoreError("STORE_TIMEOUT", "Cannot get an answer", { reason: "no_answer" });
      }
      if (script.name !== "register" && isHeld) await held;
      return await inner.run(script, keys, args);
    };
    const store = new RedisStore({ ...inner, run }, { keyPrefix: "unread" });
    const policy = compilePolicy(LIMITERS.bucket);
    const take = (limiter: string): Promise<TakeReply> => {
      const targets = [{ limiter, key: undefined, policy, cost: 1, permits: 0 }];
      return store.execute({ op: "take", targets, mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0 });
    };
    await take("early");
    isHeld = true;
    const [early, late] = [take("early"), take("late")];
    const lateIsRefused = assert.rejects(late, { code: "STORE_TIMEOUT" });
    await until(() => readings === 1);
    await turn();
    const again = take("late");
    await until(() => readings === 2);
    await turn();
    letGo();
    assert.deepEqual((await Promise.all([early, again])).map(({ status }) => status), ["allowed", "allowed"]);
    await lateIsRefused;
    await store.close();
  });
});

describe("A queue that is full", () => {
  forbidUnhandledRejections();

  it("refuses further requests, and accepts more once there is room", OPTIONS, async () => {
    const connection = openNodeRedis({ url: server.url });
    const store = new RedisStore(connection, { keyPrefix: "full", maxQueued: 10 });
    const policy = compilePolicy(LIMITERS.bucket);
    const take = (): Promise<TakeReply> => {
      const targets = [{ limiter: "api", key: undefined, policy, cost: 1, permits: 0 }];
      return store.execute({ op: "take", targets, mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0 });
    };
    await take();
    const asked: Promise<TakeReply>[] = [];
    {
      await using _paused = await pause();
      while (store.load.queued < 10) {
        for (let i = 0; i < 10; i++) asked.push(take());
        await turn();
      }
      const errors = await errorsOf([take(), take()]);
      assert.deepEqual(errors.map((error) => error?.code), ["STORE_OVERLOADED", "STORE_OVERLOADED"]);
    }
    assert.ok((await Promise.all(asked)).every(({ status }) => status === "allowed"));
    const [levels] = (await take()).levels;
    const perUnit = policy.rates[0]?.algorithm === "token_bucket" ? policy.rates[0].intervalUs : 0;
    assert.equal(
      Math.ceil((levels?.rates[0]?.[0] ?? 0) / perUnit),
      1 + asked.length + 1,
      "what was refused took nothing",
    );
    await store.close();
  });
});
