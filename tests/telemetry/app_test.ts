import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { freePort } from "../../scripts/_free_port.ts";
import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { redisUrl } from "../_support/redis.ts";
import { startRedisAt } from "../stores/redis/_servers.ts";
import { checkMetrics, needPrometheus } from "./_prometheus.ts";

/** The application in a folder of its own, and where it listens. */
class App implements AsyncDisposable {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<unknown[]>;
  errors = "";
  readonly #folder: TemporaryFolder;

  private constructor(folder: TemporaryFolder, redis: string) {
    this.#folder = folder;
    const env = { ...process.env, REDIS_URL: redis, PORT: "0", METRICS_PORT: "0" };
    this.child = spawn(process.execPath, ["app.mjs"], { cwd: folder.path, env });
    this.child.stderr.on("data", (chunk) => this.errors += chunk);
    this.ended = once(this.child, "exit");
  }

  /** Starts it. Answers with the URLs of its server and of its page of metrics. */
  static async start(redis: string): Promise<[app: App, server: string, inside: string]> {
    const folder = new TemporaryFolder("app");
    await cp("deploy/app", folder.path, { recursive: true });
    await mkdir(join(folder.path, "node_modules/@ratesync"), { recursive: true });
    const packages = { "@ratesync/core": "dist", "prom-client": "node_modules/prom-client" };
    for (const [name, path] of Object.entries(packages)) {
      await symlink(resolve(path), join(folder.path, "node_modules", name), "junction");
    }
    const app = new App(folder, redis);
    const lines = createInterface({ input: app.child.stdout })[Symbol.asyncIterator]();
    const urls: Record<string, string> = {};
    for (let i = 0; i < 2; i++) {
      const line = String((await lines.next()).value);
      const [, what = "", place = ""] = /^(\w+) on (127\.0\.0\.1:\d+)$/.exec(line) ?? [];
      urls[what] = `http://${place}`;
    }
    return [app, urls["Listening"] ?? "", urls["Metrics"] ?? ""];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
    this.#folder[Symbol.dispose]();
  }
}

const text = async (url: string) => await (await fetch(url)).text();

describe("The application of deploy/app", () => {
  it("serves, denies, shows its metrics and its health, and ends on SIGTERM", async () => {
    await needPrometheus();
    const [started, server, inside] = await App.start(redisUrl());
    await using app = started;
    const statuses = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const response = await fetch(server);
        await response.text();
        return response.status;
      }),
    );
    const denied = statuses.filter((status) => status === 429).length;
    assert.ok(denied > 0 && denied < 100, `${denied} denied`);
    const page = await text(`${inside}/metrics`);
    const line = `ratesync_requests_total{limiter="api",result="denied",reason="rate"} ${denied}`;
    assert.ok(page.includes(`${line}\n`), page);
    assert.equal(await checkMetrics(page), "");
    const health = await fetch(`${inside}/health`);
    assert.deepEqual([health.status, await health.json()], [200, { ok: true, problems: [] }], app.errors);
    app.child.kill("SIGTERM");
    assert.deepEqual(await app.ended, [0, null], app.errors);
  });

  it("shows in its metrics that Redis is back, although no client has come since it went down", async () => {
    await using redis = await startRedisAt(await freePort());
    const [started, server, inside] = await App.start(redis.url);
    await using app = started;
    await text(server);
    await redis.stop();
    const isIn = async (state: string) =>
      (await text(`${inside}/metrics`)).includes(`ratesync_store_state{store="main",state="${state}"} 1`);
    while (!(await isIn("down"))) await text(server); // one call that fails may not be enough
    await sleep(12_000); // the probes end when no calls come
    await redis.start();
    const endMs = performance.now() + 20_000;
    while (!(await isIn("up"))) {
      assert.ok(performance.now() < endMs, app.errors);
      await sleep(200);
    }
  });
});
