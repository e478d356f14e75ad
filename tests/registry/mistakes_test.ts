import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import * as core from "@ratesync/core";
import { byHeader } from "@ratesync/core/http";
import { guardHandler } from "@ratesync/core/http/fetch";
import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { freshPrefix } from "../_support/redis.ts";
import { until } from "../stores/redis/_servers.ts";
import { MISTAKES, SECRET } from "./_mistakes.ts";

const LIMIT = { limit: 1_000_000, windowMs: 3_600_000 } as const;
const folder = new TemporaryFolder("mistakes");

/** One way to use the package: a store of this id and a limiter `api`. */
interface Entry {
  /** Decides once; whether it was degraded. */
  decide(key: string): Promise<boolean>;
  close(): Promise<void>;
}

type Open = (store: string, options: core.RedisStoreOptions) => Promise<Entry>;

function instance(store: string, options: core.RedisStoreOptions): core.RateSync<"api"> {
  return core.createRateSync({ stores: { [store]: { engine: "redis", ...options } }, limiters: { api: LIMIT } });
}

function entryOf(rs: Pick<core.RateSync<"api">, "tryAcquire" | "close">): Entry {
  return { decide: async (key) => (await rs.tryAcquire("api", { key })).degraded, close: () => rs.close() };
}

const TOML_NAMES: Readonly<Record<string, string>> = {
  keyPrefix: "key_prefix",
  tlsInsecure: "tls_insecure",
  masterName: "master_name",
};

const ENTRIES: Readonly<Record<string, Open>> = {
  core: (store, options) => Promise.resolve(entryOf(instance(store, options))),
  guard(store, options) {
    const rs = instance(store, options);
    let isDegraded = false;
    const handler = guardHandler((_request: Request) => new Response("ok"), {
      limiter: "api",
      rateSync: rs,
      key: byHeader("x-key"),
      onDecision: ({ decision }) => isDegraded = decision?.degraded === true,
    });
    return Promise.resolve({
      async decide(key) {
        const response = await handler(new Request("http://localhost/", { headers: { "x-key": key } }));
        assert.equal(response.status, 200);
        return isDegraded;
      },
      close: () => rs.close(),
    });
  },
  async "default-instance"(store, options) {
    await core.configureStore(store, { engine: "redis", ...options });
    core.configureLimiter("api", LIMIT);
    return entryOf(core);
  },
  async file(store, options) {
    const lines = Object.entries(options).map(([name, value]) =>
      `${TOML_NAMES[name] ?? name} = ${JSON.stringify(value)}`
    );
    const text = `[stores.${store}]\nengine = "redis"\n${
      lines.join("\n")
    }\n[limiters.api]\nlimit = 1000000\nwindow = "1h"\n`;
    const path = join(folder.path, `${store}.toml`);
    writeFileSync(path, text);
    const rs = core.createRateSync();
    await rs.loadConfig(path);
    return entryOf(rs as core.RateSync<"api">);
  },
};

/** What the console shows, and at which level. */
const shown: { level: string; line: string }[] = [];
const LEVELS = ["debug", "info", "log", "warn", "error"] as const;
const original = Object.fromEntries(LEVELS.map((level) => [level, console[level]]));

describe("Without a logger", () => {
  before(() => {
    for (const level of LEVELS) {
      console[level] = (...words: unknown[]) => void shown.push({ level, line: words.join(" ") });
    }
  });
  after(() => {
    Object.assign(console, original);
    folder[Symbol.dispose]();
  });

  for (const { what, reason, advice, make } of MISTAKES) {
    it(`the console shows one warning for ${what}, and one line when it is put right, at every entry`, async () => {
      shown.length = 0;
      await using mistake = await make();
      const entries = await Promise.all(
        Object.entries(ENTRIES).map(async ([name, open]) => {
          const store = `shared-${name}`;
          return { store, ...await open(store, { keyPrefix: freshPrefix(), ...mistake.options }) };
        }),
      );
      const linesOf = (store: string) => shown.filter(({ line }) => line.includes(`"${store}"`));
      const decide = async (times: number) => {
        await Promise.all(entries.map(async ({ decide }) => {
          for (let i = 0; i < times; i++) await decide(`user:${i}`);
        }));
      };
      try {
        await decide(60);
        await sleep(1_200); // two probes, and the time after which single failures become an event
        await decide(20);
        for (const { store } of entries) {
          const lines = linesOf(store);
          assert.equal(lines.length, 1, JSON.stringify(shown, null, 1));
          const [{ level, line }] = lines as [{ level: string; line: string }];
          assert.equal(level, "warn");
          assert.ok(line.startsWith("rate-sync: Redis "), line);
          const reasons = [reason].flat();
          assert.ok(reasons.some((it) => line.includes(`store "${store}" cannot decide (${it}): `)), line);
          assert.match(line, advice);
        }
        const repair = mistake.repair;
        if (repair === undefined) return;
        await repair();
        await until(async () => {
          const degraded = await Promise.all(entries.map(({ decide }) => decide("again")));
          return !degraded.includes(true);
        }, 15_000);
        await decide(20);
        for (const { store } of entries) {
          const lines = linesOf(store);
          assert.deepEqual(lines.map(({ level }) => level), ["warn", "info"], JSON.stringify(shown, null, 1));
          assert.match(
            lines[1]?.line as string,
            /^rate-sync: Redis available again: store "shared-[a-z-]+" decides, after /,
          );
        }
      } finally {
        assert.ok(!JSON.stringify(shown).includes(SECRET), "a secret is shown");
        assert.equal(shown.length, shown.filter(({ line }) => line.includes('"shared-')).length, JSON.stringify(shown));
        await Promise.all(entries.map(({ close }) => close()));
      }
    });
  }
});
