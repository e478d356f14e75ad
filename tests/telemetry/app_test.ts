import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";

import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { redisUrl } from "../_support/redis.ts";
import { checkMetrics, needPrometheus } from "./_prometheus.ts";

describe("The application of deploy/app", () => {
  it("serves, denies, shows its metrics and its health, and ends on SIGTERM", async () => {
    await needPrometheus();
    using folder = new TemporaryFolder("app");
    await cp("deploy/app", folder.path, { recursive: true });
    await mkdir(join(folder.path, "node_modules/@ratesync"), { recursive: true });
    const packages = { "@ratesync/core": "dist", "prom-client": "node_modules/prom-client" };
    for (const [name, path] of Object.entries(packages)) {
      await symlink(resolve(path), join(folder.path, "node_modules", name), "junction");
    }
    const env = { ...process.env, REDIS_URL: redisUrl(), PORT: "0", METRICS_PORT: "0" };
    const child = spawn(process.execPath, ["app.mjs"], { cwd: folder.path, env });
    let errors = "";
    child.stderr.on("data", (chunk) => errors += chunk);
    const ended = once(child, "exit");
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const ports: Record<string, string> = {};
      for (let i = 0; i < 2; i++) {
        const line = String((await lines.next()).value);
        const [, what = "", port = ""] = /^(\w+) on 127\.0\.0\.1:(\d+)$/.exec(line) ?? [];
        ports[what] = port;
      }
      const statuses = await Promise.all(
        Array.from({ length: 100 }, async () => {
          const response = await fetch(`http://127.0.0.1:${ports["Listening"]}/`);
          await response.text();
          return response.status;
        }),
      );
      const denied = statuses.filter((status) => status === 429).length;
      assert.ok(denied > 0 && denied < 100, `${denied} denied`);
      const inside = `http://127.0.0.1:${ports["Metrics"]}`;
      const page = await (await fetch(`${inside}/metrics`)).text();
      const line = `ratesync_requests_total{limiter="api",result="denied",reason="rate"} ${denied}`;
      assert.ok(page.includes(`${line}\n`), page);
      assert.equal(await checkMetrics(page), "");
      const health = await fetch(`${inside}/health`);
      assert.deepEqual([health.status, await health.json()], [200, { ok: true, problems: [] }], errors);
      child.kill("SIGTERM");
      assert.deepEqual(await ended, [0, null], errors);
    } finally {
      child.kill("SIGKILL");
    }
  });
});
