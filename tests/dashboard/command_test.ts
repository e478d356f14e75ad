import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";

import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { main } from "../../src/cli/main.ts";
import { ratesync } from "../_support/cli.ts";
import { send } from "../serve/_client.ts";

/** The program, as it runs until it is stopped. */
async function serving(words: readonly string[], test: (url: URL) => Promise<void>): Promise<void> {
  using folder = new TemporaryFolder("dashboard");
  const file = join(folder.path, "rate-sync.toml");
  await writeFile(file, "[limiters.api]\nlimit = 1\nwindow_seconds = 60\n");
  const stop = new AbortController();
  let stdout = "";
  const ended = main(["dashboard", "--config", file, "--port", "0", ...words], {
    stdin: new PassThrough(),
    stdout: { write: (text) => stdout += text },
    stderr: { write: (text) => assert.fail(text) },
    env: {},
    signal: stop.signal,
  });
  while (!stdout.includes("\n")) await new Promise((resolve) => setTimeout(resolve, 5));
  try {
    await test(new URL(/\S+$/.exec(stdout.trim())?.[0] ?? stdout));
  } finally {
    stop.abort();
    assert.equal(await ended, 0);
  }
}

describe("ratesync dashboard", () => {
  it("serves the page on loopback, not to pages that come under another host name", async () => {
    await serving([], async ({ origin, hash }) => {
      assert.equal(hash, "");
      assert.match(String((await send(origin, "/", {})).headers["content-security-policy"]), /default-src 'none'/);
      assert.equal((await send(origin, "/events", { method: "HEAD" })).status, 200);
      assert.equal((await send(origin, "/", { headers: { host: "evil.example" } })).body.code, "HOST_REFUSED");
    });
  });

  it("wants a token beyond loopback and for changes, and prints the address with it", async () => {
    for (const words of [["--host", "0.0.0.0"], ["--allow-changes"]]) {
      await serving(words, async ({ port, hash }) => {
        const url = `http://127.0.0.1:${port}`;
        const token = /^#token=(\w{32})$/.exec(hash)?.[1];
        assert.equal((await send(url, "/events", {})).status, 401);
        const headers = { "x-ratesync-dashboard": "1" };
        const session = await send(url, "/session", { method: "POST", headers, body: { token } });
        const [cookie = ""] = session.headers["set-cookie"] ?? [];
        assert.equal((await send(url, "/events", { method: "HEAD", headers: { cookie } })).status, 200);
      });
    }
    const unset = await ratesync(["dashboard", "--token-env", "NO_SUCH_VARIABLE"]);
    assert.equal(unset.exit, 2);
  });
});
