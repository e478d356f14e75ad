import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ConfigError } from "../../../src/base/errors.ts";
import { readEnv } from "../../../src/registry/config/environment.ts";
import { findConfigFile } from "../../../src/registry/config/find.ts";

const VARIABLE = "RATE_SYNC_CONFIG";

describe("findConfigFile()", () => {
  const home = process.cwd();
  const wish = process.env[VARIABLE];
  let directory: string;

  beforeEach(async () => {
    delete process.env[VARIABLE];
    directory = await mkdtemp(join(tmpdir(), "ratesync-"));
    process.chdir(directory);
  });
  afterEach(async () => {
    process.chdir(home);
    if (wish === undefined) delete process.env[VARIABLE];
    else process.env[VARIABLE] = wish;
    await rm(directory, { recursive: true });
  });

  it("returns undefined if there is no file", async () => {
    assert.equal(await findConfigFile(), undefined);
  });

  it("prefers ./rate-sync.toml to ./config/rate-sync.toml", async () => {
    await mkdir("config");
    await writeFile("config/rate-sync.toml", "");
    assert.equal(await findConfigFile(), "./config/rate-sync.toml");
    await writeFile("rate-sync.toml", "");
    assert.equal(await findConfigFile(), "./rate-sync.toml");
  });

  it("prefers the file that RATE_SYNC_CONFIG names to both", async () => {
    await writeFile("rate-sync.toml", "");
    await writeFile("other.toml", "");
    process.env[VARIABLE] = join(directory, "other.toml");
    assert.equal(await findConfigFile(), join(directory, "other.toml"));
    process.env[VARIABLE] = "";
    assert.equal(await findConfigFile(), "./rate-sync.toml");
  });

  it("rejects if the named file does not exist", async () => {
    await writeFile("rate-sync.toml", "");
    const wishes: [string, string][] = [
      ["missing.toml", '"missing.toml" (ENOENT)'],
      [".", 'the directory "."'],
      ["rate-sync.toml/x", '"rate-sync.toml/x" (ENOTDIR)'],
    ];
    for (const [path, received] of wishes) {
      process.env[VARIABLE] = path;
      await assert.rejects(findConfigFile(), (error) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(
          error.message,
          `Cannot use RATE_SYNC_CONFIG: expected the path of a file that can be read, received ${received}`,
        );
        return true;
      });
    }
  });
});

describe("readEnv()", () => {
  it("reads variables, and nothing that the environment inherits", () => {
    process.env.RATESYNC_TEST_EMPTY = "";
    try {
      assert.equal(readEnv("RATESYNC_TEST_EMPTY"), "");
      assert.equal(readEnv("RATESYNC_TEST_MISSING"), undefined);
      assert.equal(readEnv("constructor"), undefined);
      assert.equal(readEnv("toString"), undefined);
    } finally {
      delete process.env.RATESYNC_TEST_EMPTY;
    }
  });
});
