import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";

import { main } from "../../src/cli/main.ts";
import { ratesync } from "../_support/cli.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { send } from "./_client.ts";

const TOKEN = "correct-horse-battery-staple";

describe("ratesync serve", () => {
  it("decides on Redis by rate-sync.toml until it is stopped, and waits for permits then", async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, "rate-sync.toml");
    await writeFile(
      file,
      `[stores.shared]\nengine = "redis"\nurl = "${redisUrl()}"\nkey_prefix = "${freshPrefix()}"\n` +
        `[limiters.upload]\nstore = "shared"\nmax_concurrent = 1\n`,
    );
    const stop = new AbortController();
    let [stdout, stderr] = ["", ""];
    const ended = main(["serve", "--config", file, "--port", "0", "--json"], {
      stdin: new PassThrough(),
      stdout: { write: (text) => stdout += text },
      stderr: { write: (text) => stderr += text },
      env: { RATESYNC_TOKEN: TOKEN },
      signal: stop.signal,
    });
    while (!stdout.includes("\n")) await new Promise((resolve) => setTimeout(resolve, 5));
    const { url } = JSON.parse(stdout);
    const post = async (path: string, body: unknown, token = TOKEN) =>
      await send(url, path, { method: "POST", body, headers: { authorization: `Bearer ${token}` } });
    assert.equal((await post("/v1/decide", { limiter: "upload" }, "another-token-of-16")).status, 401);
    const { body: { permit, degraded } } = await post("/v1/decide", { limiter: "upload" });
    assert.equal(degraded, false);
    const health = await send(url, "/health", { headers: { authorization: `Bearer ${TOKEN}` } });
    assert.equal(health.body.stores.shared.engine, "redis");
    assert.equal(stderr, "");
    stop.abort();
    assert.equal((await post("/v1/decide", { limiter: "upload" })).body.code, "CLOSED");
    assert.match(stderr, /^Stopping: no new decisions; 1 calls and permits are unfinished, and get up to 25 s; .*\n$/);
    assert.deepEqual((await post("/v1/release", { id: permit.id })).body, { released: true });
    assert.equal(await ended, 0);
    assert(!stdout.includes(TOKEN));
  });

  it("writes its OpenAPI file, and refuses what it cannot do", async () => {
    const { exit, stdout } = await ratesync(["serve", "--openapi"]);
    assert.equal(exit, 0);
    assert.equal(JSON.parse(stdout).openapi, "3.1.0");
    const open = await ratesync(["serve", "--openapi", "--host", "0.0.0.0"]);
    assert.equal(open.exit, 2);
    assert.match(open.stderr, /serve\.host: expected 127\.0\.0\.1.*while there is no token/);
    const unset = await ratesync(["serve", "--token-env", "NO_SUCH_VARIABLE"]);
    assert.equal(unset.exit, 2);
    assert.match(unset.stderr, /NO_SUCH_VARIABLE: that variable is not set/);
  });
});

async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "ratesync-serve-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
