import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";

import { ConfigError, createRateSync, NotFoundError, type RateSync, type RateSyncErrorCode } from "../../mod.ts";
import { assertFails, failureOf } from "./_errors.ts";

const GOOD = '[stores.main]\nengine = "memory"\n[limiters.api]\nstore = "main"\nrate_per_second = 5.0\n';

describe("RateSync.loadConfig() of a file that cannot be used", () => {
  let folder: string;
  let rs: RateSync;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ratesync-"));
    rs = createRateSync<string>({ limiters: { kept: { ratePerSecond: 1 } } });
  });
  after(async () => {
    await rs?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Loads what must be refused, and sees that nothing of it was applied. */
  async function refuse(
    path: string,
    says: readonly (string | RegExp)[],
    code: RateSyncErrorCode = "CONFIG_INVALID",
    hides: readonly string[] = [],
  ): Promise<void> {
    const before = JSON.stringify([rs.listStores(), Object.keys(rs.listLimiters())]);
    const type = code === "CONFIG_INVALID" ? ConfigError : NotFoundError;
    await assertFails(() => rs.loadConfig(path), { type, code, says, hides });
    assert.equal(JSON.stringify([rs.listStores(), Object.keys(rs.listLimiters())]), before, "something was applied");
    assert.ok((await rs.peek("kept")).allowed);
  }

  async function file(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  }

  it("refuses one that is missing", async () => {
    const missing = join(folder, "missing.toml");
    await refuse(missing, [missing, "received no such file"]);
    await refuse(join(await file("file", GOOD), "below.toml"), ["received no such file"]);
  });

  it("refuses one that cannot be read", async () => {
    await refuse(folder, [folder, "received a directory"]);
    if (process.getuid?.() === 0) {
      // Nothing is forbidden to root; but memory that is not mapped cannot be read.
      await refuse("/proc/self/mem", ["/proc/self/mem", "received an error: EIO"]);
    } else {
      const secret = await file("unreadable.toml", GOOD);
      await chmod(secret, 0);
      await refuse(secret, [secret, "received a file that may not be read"]);
    }
  });

  it("refuses one that is no TOML, and repeats nothing of it", async () => {
    const path = await file("broken.toml", '[stores.main]\nurl = "redis://:hunter2@h\n');
    await refuse(path, [path, "line 2", "expected TOML"], "CONFIG_INVALID", ["hunter2"]);
    await refuse(await file("prose.toml", "Dear Sir or Madam"), ["line 1", "expected TOML"]);
    await refuse(await file("json.toml", '{"stores": {}}'), ["line 1", "expected TOML"]);
    await refuse(await file("bytes.toml", new Uint8Array([0xff, 0xfe, 0x00])), ["bytes that are no UTF-8"]);
  });

  it("refuses one that is empty", async () => {
    for (const content of ["", "\n \n", "# nothing to see\n", "\ufeff"]) {
      await refuse(await file("empty.toml", content), ["sections such as [stores.<id>]", "received an empty document"]);
    }
  });

  it("refuses a store that it does not define, and lists those that it does", async () => {
    const path = await file("store.toml", GOOD.replace('store = "main"', 'store = "other"'));
    const error = await failureOf(() => rs.loadConfig(path));
    const code = (error as ConfigError).code;
    await refuse(path, ["other", '"main"'], code);
    assert.ok(["CONFIG_INVALID", "STORE_NOT_FOUND"].includes(code));
  });

  it("applies nothing where one limiter of many is wrong", async () => {
    const path = await file("one.toml", `${GOOD}[limiters.bad]\nstore = "main"\nrate_per_second = -5.0\n`);
    await refuse(path, [path, "limiters.bad.rate_per_second", "received -5"]);
    await assertFails(() => rs.tryAcquire("api"), {
      type: NotFoundError,
      code: "LIMITER_NOT_FOUND",
      says: ['"kept"'],
    });
  });

  it("names the section and the key of a mistake, and what was meant", async () => {
    const cases: readonly [line: string, ...says: string[]][] = [
      ["rate_per_secnd = 5.0", "limiters.x.rate_per_secnd", "rate_per_second"],
      ["rate_per_second = 0.0", "limiters.x.rate_per_second", "received 0"],
      ["rate_per_second = nan", "limiters.x.rate_per_second", "received NaN"],
      ["rate_per_second = inf", "limiters.x.rate_per_second", "received Infinity"],
      ['rate_per_second = "5"', "limiters.x.rate_per_second", '"5"'],
      ["limit = 5\nwindow_seconds = 0", "limiters.x.window_seconds", "received 0"],
      ["limit = 5", "limiters.x.window"],
      ["rate_per_second = 5.0\nlimit = 5\nwindow_seconds = 60", "limiters.x.rate_per_second"],
      ["max_concurrent = 0", "limiters.x.max_concurrent", "received 0"],
    ];
    for (const [line, ...says] of cases) {
      await refuse(await file("mistake.toml", `${GOOD}[limiters.x]\nstore = "main"\n${line}\n`), says);
    }
  });

  it("takes a good one after all of these", async () => {
    await rs.loadConfig(await file("good.toml", GOOD));
    assert.ok((await rs.tryAcquire("api")).allowed);
  });
});
