import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { runWorker } from "../_support/processes.ts";

describe("Without the npm package redis", () => {
  for (const entry of ["core", "guard", "default-instance", "file"]) {
    it(`one warning says at once what to install: ${entry}`, async () => {
      using folder = new TemporaryFolder("driver");
      const url = "redis://:hunter2-s3cr3t@127.0.0.1:6379";
      const { code, stdout, stderr } = await runWorker("registry/driver_missing_worker", [entry, url, folder.path]);
      assert.deepEqual({ code, stdout }, { code: 0, stdout: "31\n" }, stderr);
      const lines = stderr.trimEnd().split("\n");
      assert.equal(lines.length, 1, stderr);
      assert.match(
        stderr,
        /^rate-sync: Redis unavailable, falling back to in-memory: store "shared" cannot decide \(driver_missing\): /,
      );
      assert.match(
        stderr,
        /Cannot load the npm package "@redis\/client": .*this will not heal by itself: npm install @redis\/client/,
      );
      assert.ok(!stderr.includes("hunter2"));
    });
  }
});
