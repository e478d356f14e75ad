import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { run } from "../../scripts/_process.ts";

describe("run()", () => {
  it("collects what a program writes, and its exit code", async () => {
    const { code, output } = await run("sh", ["-c", "echo out; sleep 0.1; echo err >&2; exit 3"]);
    assert.deepEqual({ code, output }, { code: 3, output: "out\nerr\n" });
  });

  it("gives a program nothing to read", async () => {
    assert.deepEqual(await run("cat", []), { code: 0, output: "" });
  });

  it("ends a program whose time is up", async () => {
    const { code } = await run("sleep", ["60"], { limitMs: 50 });
    assert.equal(code, 124);
  });

  it("kills what a program has started as well, if the option says so", async () => {
    const started = performance.now();
    const { code } = await run("sh", ["-c", "sleep 60 & wait"], { limitMs: 300, group: true });
    assert.equal(code, 124);
    assert.ok(performance.now() - started < 30_000, "sleep ends too: it no longer holds the pipe open");
  });

  it("says when there is no such program", async () => {
    const { code, output } = await run("no-such-program", []);
    assert.equal(code, 127);
    assert.match(output, /^Cannot run no-such-program: /);
  });
});
