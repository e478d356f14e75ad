import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { runWorker } from "../_support/processes.ts";

/** What a process says of its default instance. */
interface Said {
  readonly value?: unknown;
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
}

/** Does one thing (see default_instance_worker.ts) in a process with this working directory; it must end by itself. */
async function say(what: string, directory: string, config?: string): Promise<Said> {
  const args = [what, directory, ...(config === undefined ? [] : [config])];
  const { code, stdout, stderr } = await runWorker("registry/default_instance_worker", args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, stdout);
  return JSON.parse(stdout) as Said;
}

function toml(limit: number): string {
  return `[stores.main]\nengine = "memory"\n[limiters.api]\nstore = "main"\nlimit = ${limit}\nwindow_seconds = 60\n`;
}

describe("The default instance", () => {
  let folder: string;
  before(async () => void (folder = await mkdtemp(join(tmpdir(), "ratesync-"))));
  after(() => rm(folder, { recursive: true, force: true }));

  async function directory(name: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
    const path = join(folder, name);
    await mkdir(join(path, "config"), { recursive: true });
    for (const [file, text] of Object.entries(files)) await writeFile(join(path, file), text);
    return path;
  }

  it("reads the file that RATE_SYNC_CONFIG names, before any other", async () => {
    const cwd = await directory("named", { "rate-sync.toml": toml(1), "other.toml": toml(2) });
    assert.deepEqual(await say("limits", cwd, "other.toml"), { value: { api: 2 } });
    assert.deepEqual(await say("limits", cwd, join(cwd, "other.toml")), { value: { api: 2 } });
    assert.deepEqual(await say("acquire", cwd, ""), { value: 1 }, "an empty variable counts as not set");
  });

  it("looks at its store", async () => {
    const cwd = await directory("checked", { "rate-sync.toml": toml(1) });
    assert.deepEqual(await say("check", cwd), { value: { ok: true, engine: "memory", keyCount: 1 } });
  });

  it("reads ./rate-sync.toml, else ./config/rate-sync.toml", async () => {
    const files = { "rate-sync.toml": toml(3), "config/rate-sync.toml": toml(4) };
    assert.deepEqual(await say("acquire", await directory("both", files)), { value: 3 });
    const config = { "config/rate-sync.toml": toml(4) };
    assert.deepEqual(await say("acquire", await directory("config", config)), { value: 4 });
  });

  it("reads no file when it was configured in code", async () => {
    const cwd = await directory("code", { "rate-sync.toml": "this is no TOML" });
    assert.deepEqual(await say("inCode", cwd), { value: 9 });
  });

  it("says where it looked when there is no limiter at all", async () => {
    const cwd = await directory("empty");
    const message =
      'Cannot find limiter "api": none is configured, and there is no RATE_SYNC_CONFIG in the environment, ' +
      "./rate-sync.toml or ./config/rate-sync.toml";
    assert.deepEqual(await say("everyVerb", cwd), { value: [`LIMITER_NOT_FOUND: ${message}`] });
    assert.deepEqual(await say("limits", cwd), { value: {} });
  });

  it("rejects connect() and check() when nothing is configured, so that a start without its file is noticed", async () => {
    const places = "RATE_SYNC_CONFIG in the environment, ./rate-sync.toml or ./config/rate-sync.toml";
    const value = [`Cannot use rate-sync.toml: expected ${places}, received none of them`];
    assert.deepEqual(await say("looks", await directory("nothing-to-look-at")), { value });
  });

  it("lists the limiters of the file when one is not among them", async () => {
    const cwd = await directory("unknown", { "rate-sync.toml": toml(1).replace("limiters.api", "limiters.web") });
    const { name, code, message } = await say("acquire", cwd);
    assert.deepEqual({ name, code }, { name: "NotFoundError", code: "LIMITER_NOT_FOUND" });
    assert.equal(message, 'Cannot find limiter "api": known: "web"');
  });

  it("fails each call with what is wrong with the file", async () => {
    const cwd = await directory("wrong", { "rate-sync.toml": toml(0) });
    const { value } = await say("everyVerb", cwd);
    assert.ok(Array.isArray(value));
    assert.equal(value.length, 1, String(value));
    assert.match(
      value[0],
      /^CONFIG_INVALID: Cannot use limiters\.api\.limit \(in \.\/rate-sync\.toml\): .* received 0/,
    );
  });

  it("refuses a RATE_SYNC_CONFIG that names nothing, whatever else is there", async () => {
    const cwd = await directory("nothing", { "rate-sync.toml": toml(1) });
    const { name, code, message } = await say("acquire", cwd, "missing.toml");
    assert.deepEqual({ name, code }, { name: "ConfigError", code: "CONFIG_INVALID" });
    assert.match(message ?? "", /^Cannot use RATE_SYNC_CONFIG: .* received "missing\.toml" \(ENOENT\)/);
  });

  it("says what to do when a call that answers at once comes before the file was read", async () => {
    const { name, message } = await say("early", await directory("early", { "rate-sync.toml": toml(1) }));
    assert.equal(name, "ConfigError");
    assert.match(
      message ?? "",
      /to be read before listLimiters\(\) is called: await loadConfig\(\), or a first decision/,
    );
  });

  it("starts anew after close()", async () => {
    const cwd = await directory("again", { "rate-sync.toml": toml(5) });
    assert.deepEqual(await say("again", cwd), { value: [4, 4] });
  });
});

describe("Importing the package", () => {
  it("has no side effects: a process that only imports ends, says nothing, and reads no file", async () => {
    const { code, stdout, stderr } = await runWorker("registry/import_worker");
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.deepEqual(JSON.parse(stdout), { globals: [], timers: 0, environment: 0, handles: 0 });
  });
});
