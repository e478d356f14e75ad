import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";

import { freePort } from "../../scripts/_free_port.ts";
import { startNats } from "../../scripts/nats/server.ts";
import { startPostgres } from "../../scripts/postgres/server.ts";
import { startWorker } from "../_support/processes.ts";
import { startRedis, startRedisAt, until } from "../stores/redis/_servers.ts";

interface Health {
  readonly status: number;
  readonly ok: boolean;
  readonly decidedBy: string;
  readonly problems: readonly string[];
}

async function startServer(redisUrl: string, natsUrl = "", databaseUrl = "") {
  const port = await freePort();
  process.env["PORT"] = `${port}`;
  process.env["REDIS_URL"] = redisUrl;
  process.env["NATS_URL"] = natsUrl;
  process.env["DATABASE_URL"] = databaseUrl;
  const worker = startWorker("../examples/server");
  const line = await worker.readLine();
  const url = `http://127.0.0.1:${port}`;
  assert.ok(line.startsWith(`Listening on ${url}/ (limits kept in `), line);
  return {
    worker,
    line,
    async visit(): Promise<number> {
      const response = await fetch(url);
      await response.text();
      return response.status;
    },
    async health(): Promise<Health> {
      const response = await fetch(`${url}/health`);
      return { status: response.status, ...await response.json() as Omit<Health, "status"> };
    },
  };
}

describe("npm start", () => {
  it("says that limits are kept in memory where no Redis is configured", async () => {
    const { worker, line, health } = await startServer("");
    await using _worker = worker;
    assert.match(line, /\(limits kept in memory, for this server alone\)$/);
    assert.deepEqual(await health(), { status: 200, ok: true, decidedBy: "memory", problems: [] });
  });

  it("says that limits are kept in Redis, and that they are not while it is away", async () => {
    await using redis = await startRedis();
    const { worker, line, visit, health } = await startServer(redis.url);
    await using _worker = worker;
    assert.ok(line.endsWith(`(limits kept in Redis at ${redis.url}/0, shared with every server that uses it)`), line);
    assert.equal(await visit(), 200);
    assert.deepEqual(await health(), { status: 200, ok: true, decidedBy: "redis", problems: [] });
    await redis.stop();
    const down = await health();
    assert.deepEqual([down.status, down.ok, down.decidedBy], [503, false, "memory"]);
    assert.match(down.problems[0] as string, /^Cannot (?:reach|get an answer from) Redis at /);
    assert.equal(await visit(), 200, "the server limits by itself");
    await redis.start();
    await until(async () => (await health()).decidedBy === "redis", 20_000);
    worker.kill("SIGTERM");
    const { stderr } = await worker.exited;
    assert.match(stderr, /^rate-sync: Redis unavailable, .*\n$/, "one warning");
  });

  it("says what is wrong where Redis cannot be reached, and serves all the same until it is there", async () => {
    const port = await freePort();
    const { worker, line, visit, health } = await startServer(`redis://:secret-1@127.0.0.1:${port}`);
    await using _worker = worker;
    assert.match(
      line,
      /\(limits kept in memory, for this server alone, until Redis can decide: Cannot reach Redis at .*\)$/,
    );
    assert.ok(!line.includes("secret-1"));
    assert.equal(await visit(), 200);
    assert.equal((await health()).status, 503);
    await using _redis = await startRedisAt(port, "--requirepass", "secret-1");
    await until(async () => (await health()).ok, 20_000);
  });

  it("keeps limits in NATS where NATS_URL says where that is, and by itself while NATS is away", async () => {
    await using nats = await startNats();
    const { worker, line, visit, health } = await startServer("", nats.url);
    await using _worker = worker;
    assert.ok(line.endsWith(`(limits kept in NATS at ${nats.url}, shared with every server that uses it)`), line);
    assert.equal(await visit(), 200);
    assert.deepEqual(await health(), { status: 200, ok: true, decidedBy: "nats", problems: [] });
    await nats.kill();
    await until(async () => (await health()).decidedBy === "memory", 20_000);
    assert.equal(await visit(), 200, "the server limits by itself");
    await nats.start();
    await until(async () => (await health()).decidedBy === "nats", 20_000);
  });

  it("keeps limits in PostgreSQL where DATABASE_URL says where that is, and by itself while it is away", async () => {
    const postgres = await startPostgres();
    try {
      const { worker, line, visit, health } = await startServer("", "", postgres.url);
      await using _worker = worker;
      const place = `postgres://127.0.0.1:${postgres.port}/postgres`;
      assert.ok(line.endsWith(`(limits kept in PostgreSQL at ${place}, shared with every server that uses it)`), line);
      assert.equal(await visit(), 200);
      assert.deepEqual(await health(), { status: 200, ok: true, decidedBy: "postgres", problems: [] });
      await postgres.halt();
      await until(async () => (await health()).decidedBy === "memory", 20_000);
      assert.equal(await visit(), 200, "the server limits by itself");
      await postgres.start();
      await until(async () => (await health()).decidedBy === "postgres", 20_000);
    } finally {
      await postgres.stop();
    }
  });
});
