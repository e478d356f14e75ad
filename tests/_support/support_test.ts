import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";

import { commandOf, runWorker, startWorker } from "./processes.ts";
import { freshPrefix, redisUrl } from "./redis.ts";

describe("redisUrl()", () => {
  it("gives the URL the launcher chose", () => {
    assert.match(redisUrl(), /^rediss?:\/\//);
  });

  it("says how to get one when there is none", () => {
    const url = process.env["RATESYNC_TEST_REDIS_URL"];
    try {
      delete process.env["RATESYNC_TEST_REDIS_URL"];
      assert.throws(redisUrl, /Run `npm test`/);
    } finally {
      process.env["RATESYNC_TEST_REDIS_URL"] = url;
    }
  });
});

describe("freshPrefix()", () => {
  it("never repeats itself", () => {
    const prefixes = new Set(Array.from({ length: 1_000 }, freshPrefix));
    assert.equal(prefixes.size, 1_000);
  });
});

describe("runWorker()", () => {
  it("runs another process of this runtime to its end", async () => {
    const { code, stdout, stderr } = await runWorker("_support/echo_worker", ["hello", "world"]);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "hello world\n", stderr: "" });
  });

  it("reports a worker that fails", async () => {
    const { code, stderr } = await runWorker("_support/no_such_worker");
    assert.notEqual(code, 0);
    assert.match(stderr, /no_such_worker/);
  });
});

describe("commandOf()", () => {
  it("starts the bundle of a worker, and the sources where a worker is about how modules load", () => {
    const bundles = process.env["RATESYNC_TEST_WORKERS"] ?? assert.fail("Run `npm test`");
    const fileOf = (path: string) => commandOf(path, [])[1].at(-1);
    assert.equal(fileOf("_support/process_end_worker"), join(bundles, "_support/process_end_worker.js"));
    assert.match(fileOf("registry/import_worker") ?? "", /tests\/registry\/import_worker\.[jt]s$/);
  });
});

describe("startWorker()", () => {
  it("talks with a running process, line by line", async () => {
    await using worker = startWorker("_support/echo_worker", ["ready"]);
    assert.equal(await worker.readLine(), "ready");
    worker.writeLine("one");
    worker.writeLine("two");
    assert.equal(await worker.readLine(), "ONE");
    assert.equal(await worker.readLine(), "TWO");
    worker.writeLine("exit 7");
    assert.equal((await worker.exited).code, 7);
  });

  it("kills without giving the process a chance", async () => {
    const worker = startWorker("_support/echo_worker", ["ready"]);
    await worker.readLine();
    assert.notEqual(worker.pid, process.pid);
    worker.kill();
    const { code, signal } = await worker.exited;
    assert.deepEqual({ code, signal }, { code: null, signal: "SIGKILL" });
  });

  it("rejects a read from a process that has ended", async () => {
    await using worker = startWorker("_support/no_such_worker");
    await assert.rejects(worker.readLine(), /it ended with 1/);
  });

  it("ends the process when disposed", async () => {
    let exited;
    {
      await using worker = startWorker("_support/echo_worker", ["ready"]);
      await worker.readLine();
      exited = worker.exited;
    }
    assert.equal((await exited).signal, "SIGKILL");
  });
});
