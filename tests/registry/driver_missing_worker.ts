/**
 * A process on Node in which the npm package `@redis/client` is not installed: it decides thirty times, by one way of
 * using this package, and prints how many of those were degraded.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import { register } from "node:module";
import { join } from "node:path";
import process from "node:process";

const [entry = "", url = "", folder = "."] = process.argv.slice(2);

const HOOK = `export async function resolve(name, context, next) {
  if (name !== "@redis/client") return await next(name, context);
  throw Object.assign(new Error("Cannot find package '@redis/client'"), { code: "ERR_MODULE_NOT_FOUND" });
}`;
register(`data:text/javascript,${encodeURIComponent(HOOK)}`);

const core = await import("../../mod.ts");
const { guardHandler } = await import("../../src/http/fetch/mod.ts");

const LIMIT = { limit: 1_000, windowMs: 60_000 } as const;

async function decider(): Promise<() => Promise<boolean | undefined>> {
  const stores = { shared: { engine: "redis", url } } as const;
  switch (entry) {
    case "default-instance":
      await core.configureStore("shared", stores.shared);
      core.configureLimiter("api", LIMIT);
      return async () => (await core.tryAcquire("api")).degraded;
    case "file": {
      const path = join(folder, "rate-sync.toml");
      writeFileSync(path, `[stores.shared]\nurl = "${url}"\n[limiters.api]\nlimit = 1000\nwindow = "1m"\n`);
      await core.loadConfig(path);
      return async () => (await core.tryAcquire("api")).degraded;
    }
    case "guard": {
      let isDegraded: boolean | undefined;
      const handler = guardHandler((_request: Request) => new Response("ok"), {
        limiter: "api",
        rateSync: core.createRateSync({ stores, limiters: { api: LIMIT } }),
        key: () => "shared",
        onDecision: ({ decision }) => isDegraded = decision?.degraded,
      });
      return async () => {
        await handler(new Request("http://localhost/"));
        return isDegraded;
      };
    }
    default: {
      const rs = core.createRateSync({ stores, limiters: { api: LIMIT } });
      return async () => (await rs.tryAcquire("api")).degraded;
    }
  }
}

const decide = await decider();
let degraded = 0;
for (let i = 0; i < 30; i++) {
  if (await decide()) degraded++;
}
await new Promise((resolve) => setTimeout(resolve, 1_200));
if (await decide()) degraded++;
console.log(degraded);
process.exit(0);
