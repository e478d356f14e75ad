import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { gzipSync } from "node:zlib";

import { type Request, START_MS, textOf } from "../simulate/_logs.ts";
import { ratesync, ratesyncJson } from "../_support/cli.ts";

const HOSTILE = "\u001b[31m<b>\u202e";
const requests = Array.from({ length: 120 }, (_, i): Request => {
  const target = i % 2 === 0 ? "/login?next=/" : `/items/${i}`;
  return { atMs: START_MS + i * 60_000, address: `10.0.0.${i % 3}`, user: HOSTILE, target };
});
const log = textOf("json", requests);

describe("ratesync simulate", () => {
  let folder = "";
  const at = (name: string) => join(folder, name);
  const config = (limit: number) =>
    `[limiters.api]\nalgorithm = "fixed_window"\nlimit = ${limit}\nwindow = "1h"\n\n` +
    `[limiters.login]\nalgorithm = "sliding_window"\nlimit = 5\nwindow = "1h"\n\n[stores.none]\nurl = "\${REDIS_URL:-}"\n`;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "simulate-cli-"));
    await writeFile(at("access.jsonl"), log);
    await writeFile(at("access.jsonl.gz"), gzipSync(log));
    await writeFile(at("cut.gz"), gzipSync(log).subarray(0, 300));
    await writeFile(at("new.toml"), config(10));
    await writeFile(at("old.toml"), config(15));
  });
  after(() => rm(folder, { recursive: true }));

  it("shows who would be denied, when, how long, by limiter, key, path and hour", async () => {
    const argv = ["simulate", at("access.jsonl"), "--config", at("new.toml"), "--path", "login=/login*", "--top", "2"];
    const { exit, stdout, stderr } = await ratesync(argv, { env: { NO_COLOR: "1" } });
    assert.deepEqual([exit, stderr], [0, ""]);
    assert.match(
      stdout,
      /^120 requests by 3 keys between 2026-03-02 06:00:00 and 2026-03-02 07:59:00 UTC: 60 denied \(50 %\)\.$/m,
    );
    assert.match(stdout, /^api +10 in 1 h \(fixed_window\) +120 +60 +50 %$/m);
    assert.match(stdout, /^login +5 in 1 h \(sliding_window\) +60 +30 +50 %$/m);
    assert.match(stdout, /^api, by address, denies 3 of 3 keys, the longest for 30 min without a break$/m);
    assert.match(stdout, /^10\.0\.0\.0 +2026-03-02 06:30:00 +2026-03-02 07:57:00 +30 min +40 +20 +50 %$/m);
    assert.match(stdout, /^\/items\/:id +60 +30 +50 %$/m);
    assert.match(stdout, /^2026-03-02 06:00 +█+ +60 +30 +50 %$/m);
    assert.equal(stdout.match(/^10\.0\.0\./gm)?.length, 4);
  });

  it("begins its JSON with requests, denied and keys, and reads standard input and gzip", async () => {
    const { stdout } = await ratesync(["simulate", "-", "--config", at("new.toml"), "--json"], {
      input: gzipSync(log),
    });
    assert.match(stdout, /^\{\n {2}"requests": 120,\n {2}"denied": 90,\n {2}"keys": 3,\n/);
    const report = await ratesyncJson(["simulate", at("access.jsonl.gz"), "--config", at("new.toml")], 0);
    const { files: [file], ...rest } = JSON.parse(stdout);
    const { files: [other], ...others } = report;
    assert.deepEqual(rest, others);
    assert.deepEqual({ ...file, file: "" }, { ...other, file: "" });
  });

  it("ends with 1 where more is denied than is allowed, and says by how much", async () => {
    const compare = (now: string, old: string, ...more: string[]) => {
      const argv = [
        "simulate",
        at("access.jsonl"),
        "--config",
        at(now),
        "--against",
        at(old),
        "--max-newly-denied",
        "0",
      ];
      return [...argv, ...more];
    };
    const failed = await ratesync(compare("new.toml", "old.toml"));
    assert.equal(failed.exit, 1);
    assert.match(
      failed.stdout,
      /^api +15 in 1 h \(fixed_window\) -> 10 in 1 h \(fixed_window\) +120 +60 +50 % +30 +0$/m,
    );
    assert.match(failed.stdout, /FAILED: 30 requests \(25 %\) are newly denied, --max-newly-denied allows 0/);
    const json = await ratesyncJson(compare("new.toml", "old.toml"), 1);
    assert.deepEqual([json.requests, json.newlyDenied, json.newlyAllowed, json.excess.length], [120, 30, 0, 1]);
    assert.equal((await ratesyncJson(compare("old.toml", "new.toml"), 0)).newlyAllowed, 30);
    assert.equal((await ratesync(compare("new.toml", "new.toml"))).exit, 0);
    assert.equal((await ratesync(compare("new.toml", "old.toml").with(-1, "25%"))).exit, 0);
    const one = ["simulate", at("access.jsonl"), "--config", at("new.toml"), "--max-denied"];
    assert.equal((await ratesync([...one, "89"])).exit, 1);
    assert.equal((await ratesync([...one, "90"])).exit, 0);
  });

  it("ends with 2 for a log that cannot be replayed, and for wrong use, and never with a report", async () => {
    const usual = ["--config", at("new.toml")];
    const cut = await ratesyncJson(["simulate", at("cut.gz"), ...usual, "--against", at("old.toml")], 2);
    assert.deepEqual([cut.error.code, cut.error.reason], ["LOG_REFUSED", "truncated"]);
    const unsorted = `${log.trimEnd().split("\n").toReversed().join("\n")}\n`;
    const refused = await ratesync(["simulate", "-", ...usual], { input: unsorted });
    assert.deepEqual([refused.exit, refused.stdout], [2, ""]);
    assert.match(refused.stderr, /"standard input", line 2: it is 60 s older .* \(--window\)/);
    assert.equal((await ratesyncJson(["simulate", "-", ...usual, "--sort"], 0, { input: unsorted })).denied, 90);
    assert.equal(
      (await ratesyncJson(["simulate", "-", ...usual, "--window", "2h"], 0, { input: unsorted })).denied,
      90,
    );
    const file = at("access.jsonl");
    for (
      const [argv, message] of [
        [[], /Missing argument LOGS/],
        [["-"], /its? is empty/],
        [["none.log"], /there is no such file/],
        [[file, "-", "-"], /standard input twice/],
        [[file, `${folder}/./access.jsonl`], /named twice/],
        [[file, "--html", file], /Cannot write the page to .*: it is a log/],
        [[file, "--max-newly-denied", "0"], /--against FILE names/],
        [[file, "--max-denied", "few"], /a whole number of requests such as 0, or a percentage/],
        [[file, "--sort", "--window", "1s"], /--sort with --window/],
        [[file, "--limiter", "apu"], /did you mean "api"/],
        [[file, "--store", "nine"], /did you mean "none"/],
        [[file, "--key", "adress"], /did you mean "address"/],
        [[file, "--format", "cvs"], /did you mean "csv"/],
        [[file, "--against", "none.toml"], /none.toml/],
        [[file, "--html", join(folder, "none", "report.html")], /Cannot write the page .*ENOENT/],
      ] as const
    ) {
      const { exit, stdout, stderr } = await ratesync(["simulate", ...argv, ...usual]);
      assert.deepEqual([exit, stdout], [2, ""], argv.join(" "));
      assert.match(stderr, message);
    }
  });

  it("writes a page, and shows keys from outside only as text", async () => {
    const argv = [
      "simulate",
      at("access.jsonl"),
      "--config",
      at("new.toml"),
      "--key",
      "user",
      "--html",
      at("report.html"),
    ];
    const { exit, stdout } = await ratesync(argv);
    assert.equal(exit, 0);
    assert.match(stdout, /^\\u001b\[31m<b>\\u202e /m);
    for (const character of ["\u001b", "\u202e"]) assert.ok(!stdout.includes(character));
    const page = await readFile(at("report.html"), "utf8");
    assert.match(page, /<td>\\u001b\[31m&lt;b&gt;\\u202e<\/td>/);
    assert.equal(page.match(/<svg /g)?.length, 2);
  });

  it("shows progress on a terminal, and nothing of it elsewhere", async () => {
    const argv = ["simulate", at("access.jsonl"), "--config", at("new.toml")];
    const { stderr, stdout } = await ratesync(argv, { columns: 60 });
    assert.match(stderr, /Replaying: \d+ %, \d+ requests/);
    assert.ok(stderr.endsWith("\r\u001b[K"));
    for (const line of stdout.split("\n")) assert.ok(stripVTControlCharacters(line).length <= 130, line);
    assert.equal((await ratesync(argv)).stderr, "");
  });
});
