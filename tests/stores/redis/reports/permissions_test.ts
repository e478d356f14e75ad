import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";

import { createRateSync, type LimiterOptions } from "../../../../mod.ts";
import { startRestRedis, TOKEN } from "../../../_support/rest_redis.ts";
import { type RedisProcess, startRedis, until } from "../_servers.ts";

const HOUR_MS = 3_600_000;

const LIMITERS = {
  bucket: { limit: 10, windowMs: HOUR_MS },
  window: { algorithm: "sliding_window", limit: 10, windowMs: HOUR_MS },
  counter: { algorithm: "sliding_window_counter", limit: 10, windowMs: HOUR_MS },
  fixed: { algorithm: "fixed_window", limit: 10, windowMs: HOUR_MS },
  several: {
    limits: [{ limit: 10, windowMs: HOUR_MS }, { algorithm: "sliding_window", limit: 10, windowMs: HOUR_MS }],
  },
  slots: { maxConcurrent: 1, limit: 100, windowMs: 1_000 },
} as const satisfies Record<string, LimiterOptions>;

type Id = keyof typeof LIMITERS;

/** What the guide's user may, word by word. */
async function guidesRules(): Promise<string[]> {
  const guide = await readFile("docs/redis/permissions.md", "utf8");
  const [, rules] = /ACL SETUSER limits ((?:.*\\\n)*.*)\n/.exec(guide) ?? [];
  assert.ok(rules);
  return rules.replaceAll("\\\n", " ").replaceAll("'", "").split(/\s+/).filter((rule) => rule !== "");
}

describe("the user of the guide", () => {
  let server: RedisProcess;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());

  async function allow(...more: string[]): Promise<string> {
    await server.command("ACL", "SETUSER", "limits", "reset", ...await guidesRules(), ...more);
    return server.url.replace("//", "//limits:PASSWORD@");
  }

  async function doEverything(place: { url: string; token?: string }): Promise<void> {
    const limiters = Object.fromEntries(
      Object.entries(LIMITERS).map(([id, options]) => [id, { ...options, onStoreError: "throw" }]),
    ) as Record<Id, LimiterOptions>;
    await using rs = createRateSync({ stores: { shared: { engine: "redis", ...place } }, limiters });
    await rs.connect();
    for (const id of Object.keys(LIMITERS) as Id[]) {
      for (const key of [undefined, "user:42"]) {
        const target = key === undefined ? {} : { key };
        await (await rs.acquire(id, target)).release();
        await rs.peek(id, target);
        await rs.refund(id, 1, target);
        await rs.penalize(id, 1, target);
        await rs.block(id, 1, target);
        await rs.reset(id, target);
      }
    }
    const held = await rs.acquire("slots");
    const waiting = rs.acquire("slots");
    await until(async () => await server.command("ZCARD", "{rate_limit:slots}:waiters") === 1);
    await held.release();
    await (await waiting).release();
  }

  it("may do everything that limiters do", async () => doEverything({ url: await allow() }));

  it("may do so over REST, with what the guide adds for that", async () => {
    const guide = await readFile("docs/redis/permissions.md", "utf8");
    const [, more] = /that one\s+needs\s+`([^`]+)`\s+too/.exec(guide) ?? [];
    assert.ok(more);
    await using endpoint = await startRestRedis(await allow(...more.split(" ")));
    await doEverything({ url: endpoint.url, token: TOKEN });
  });
});
