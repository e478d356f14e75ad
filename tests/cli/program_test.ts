import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";

import { COMMANDS } from "../../src/cli/commands.ts";
import { VERSION } from "../../src/base/version.ts";
import { Stopped } from "../../src/cli/failure.ts";
import { ratesync, ratesyncJson } from "../_support/cli.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { ConfigFile } from "./_places.ts";

const LIMITER = '[limiters.api]\nlimit = 3\nwindow = "1h"\n';

describe("ratesync", () => {
  it("shows help, its version and the help of each command", async () => {
    const { exit, stdout, stderr } = await ratesync(["--help"]);
    assert.equal(exit, 0);
    assert.equal(stderr, "");
    for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
      assert.match(stdout, new RegExp(`^  ${name} +${summary}$`, "m"));
      const help = await ratesync([name, "--help"]);
      assert.equal(help.exit, 0);
      assert.match(help.stdout, new RegExp(`^  ratesync ${name}\\b`, "m"));
      assert.deepEqual(await ratesync(["help", name]), help);
      const paragraphs = (await load()).command.about?.split("\n\n") ?? [];
      assert.ok(!paragraphs.join("").includes("\n"), `${name}: a single line break is lost in the help`);
      for (const line of (help.stdout.split("\nExamples\n")[0] ?? "").split("\n")) assert.ok(line.length <= 100, line);
    }
    assert.deepEqual(await ratesync(["-V"]), { exit: 0, stdout: `${VERSION}\n`, stderr: "" });
    assert.equal(VERSION, JSON.parse(readFileSync("package.json", "utf8")).version);
  });

  it("names the nearest word for an unknown command or option, and ends with 2", async () => {
    for (
      const [argv, meant] of [
        [["chek"], "check"],
        [["help", "chekc"], "check"],
        [["check", "--ofline"], "--offline"],
        [["--jsn", "check"], "--json"],
      ] as const
    ) {
      const { exit, stdout, stderr } = await ratesync(argv);
      assert.deepEqual({ exit, stdout }, { exit: 2, stdout: "" });
      assert.match(stderr, new RegExp(`^error: Unknown .*did you mean "${meant}"`));
    }
    const { error } = await ratesyncJson(["chek"], 2);
    assert.deepEqual(error, { code: "USAGE", message: 'Unknown command "chek": did you mean "check"?', exit: 2 });
  });

  it("refuses words that are too many, too few, or without a value", async () => {
    for (
      const [argv, problem] of [
        [[], /^error: Missing command\nratesync help/],
        [["check", "a", "b"], /Too many arguments: the last one is FILE, received "b" besides/],
        [
          ["why", "api", "-7"],
          /^error: Unknown option "-7": .*\na key or another argument that begins with - goes behind --\n$/,
        ],
        [["check", "--config"], /Option --config needs a value: --config FILE/],
        [["check", "--config", "--json"], /"message": "Option --config needs a value/],
        [["check", "--offline=yes"], /Option --offline takes no value, received "yes"/],
        [["check", "--config", "a", "--config", "b"], /Option --config was given 2 times, once is allowed/],
      ] as const
    ) {
      const { exit, stdout, stderr } = await ratesync(argv);
      assert.equal(exit, 2);
      assert.match(stdout + stderr, problem);
    }
  });

  it("colours its output on a terminal, as NO_COLOR, FORCE_COLOR and --no-color say", async () => {
    const isColoured = async (argv: readonly string[], columns: number | undefined, env: Record<string, string>) => {
      const { stdout } = await ratesync(["help", ...argv], { env, ...(columns === undefined ? {} : { columns }) });
      return stdout.includes("\x1b[1mUsage\x1b[22m");
    };
    for (
      const [argv, columns, env, expected] of [
        [[], undefined, {}, false],
        [[], 80, {}, true],
        [[], 80, { NO_COLOR: "1" }, false],
        [[], 80, { NO_COLOR: "" }, true],
        [[], 80, { TERM: "dumb" }, false],
        [["--no-color"], 80, { FORCE_COLOR: "1" }, false],
        [[], undefined, { FORCE_COLOR: "1" }, true],
        [[], 80, { FORCE_COLOR: "0" }, false],
        [["--json"], 80, { FORCE_COLOR: "1" }, false],
      ] as const
    ) assert.equal(await isColoured(argv, columns, env), expected, JSON.stringify([argv, columns, env]));
  });

  it("asks on a terminal before it changes anything, and changes nothing without a yes", async () => {
    using file = new ConfigFile(`[stores.main]\nurl = "${redisUrl()}"\nkey_prefix = "${freshPrefix()}"\n${LIMITER}`);
    const block = ["block", "api", "a", "1h", "--config", file.path];
    const denied = await ratesync(block);
    assert.equal(denied.exit, 2);
    assert.match(denied.stderr, /^error: .*blocks key "a" of limiter "api" for 1 h .*is no terminal\nadd --yes\n$/);
    for (const typed of ["n\n", "\n", "", "yesterday\n"]) {
      const { exit, stdout, stderr } = await ratesync(block, { typed });
      assert.deepEqual([exit, stdout], [1, ""]);
      assert.match(stderr, /Continue\? \[y\/N\] error: Nothing was changed: you did not confirm\n$/);
    }
    assert.deepEqual((await ratesyncJson(["keys", "api", "--config", file.path], 0)).keys, []);
    const stop = new AbortController();
    const typed = new PassThrough();
    const asking = ratesync(block, { typed, signal: stop.signal });
    await once(typed, "resume"); // the question was asked
    stop.abort(new Stopped());
    assert.equal((await asking).exit, 130);
    for (const typed of ["y\n", "YES\n"]) assert.equal((await ratesync(block, { typed })).exit, 0);
    assert.equal((await ratesyncJson(["keys", "api", "--config", file.path], 0)).keys[0].reason, "blocked");
    const refused = await ratesyncJson(["reset", "api", "--config", file.path], 1, { typed: "n\n" });
    assert.equal(refused.error.code, "NOT_CONFIRMED");
  });

  it("ends with 3 where the store cannot be reached, and shows no secret", async () => {
    const password = "pass-w0rd";
    using file = new ConfigFile(
      `[stores.main]\nurl = "redis://me:\${PASSWORD}@127.0.0.1:1/0"\nsocket_connect_timeout = 1\n${LIMITER}`,
    );
    const options = { env: { PASSWORD: password } };
    const results = [];
    for (const argv of [["keys", "api"], ["block", "api", "a", "1h", "--yes"], ["reset", "--all", "--yes"]]) {
      results.push(await ratesync([...argv, "--config", file.path], options));
      const { error } = await ratesyncJson([...argv, "--config", file.path], 3, options);
      assert.deepEqual([error.code, error.reason], ["STORE_UNAVAILABLE", "connection_refused"]);
    }
    assert.deepEqual(results.map(({ exit }) => exit), [3, 3, 3]);
    const checked = await ratesync(["check", "--config", file.path], options);
    assert.equal(checked.exit, 1);
    assert.match(checked.stdout, /error: stores\.main: .*127\.0\.0\.1:1/);
    using broken = new ConfigFile(
      `[stores.main]\nurl = "http://me:${password}@x"\ntoken = "${password}"\nfoo = "${password}"`,
    );
    const found = await ratesync(["check", broken.path]);
    assert.equal(found.exit, 1);
    for (const { stdout, stderr } of [...results, checked, found]) assert.ok(!(stdout + stderr).includes(password));
  });

  it("check tells what is wrong with a file, and what it warns of", async () => {
    using wrong = new ConfigFile('[limiters.api]\nlimit = 0\nwindow = "1s"\n');
    const { ok, findings } = await ratesyncJson(["check", wrong.path], 1);
    assert.equal(ok, false);
    assert.deepEqual([findings.length, findings[0].level, findings[0].where], [1, "error", "limiters.api.limit"]);
    using empty = new ConfigFile(`[stores.main]\nurl = ""\n${LIMITER}`);
    const warned = await ratesync(["check", "--config", empty.path]);
    assert.deepEqual([warned.exit, warned.stderr], [0, ""]);
    assert.match(warned.stdout, /^warning: .*the url of store "main" is empty$/m);
    assert.equal((await ratesync(["check", "/none/rate-sync.toml"])).exit, 1);
    const lost = await ratesync(["check"], { env: { RATE_SYNC_CONFIG: "/none" } });
    assert.match(lost.stdout, /RATE_SYNC_CONFIG: .*the path of a file that can be read/);
  });

  it("refuses limiters in memory, and stores that are not there", async () => {
    using file = new ConfigFile(`[stores.here]\nengine = "memory"\n${LIMITER}`);
    const { error } = await ratesyncJson(["keys", "api", "--config", file.path], 2);
    assert.match(error.message, /its store "here" is in the memory of each process/);
    const unknown = await ratesyncJson(["keys", "api", "--store", "hre", "--config", file.path], 2);
    assert.deepEqual([unknown.error.code, unknown.error.hint], ["STORE_NOT_FOUND", 'did you mean "here"?']);
  });

  it("init writes a file that check accepts, and overwrites none", async () => {
    using file = new ConfigFile("mine");
    const path = `${file.path}.new`;
    assert.equal((await ratesync(["init", path])).exit, 0);
    const { ok, limiters } = await ratesyncJson(["check", path, "--offline"], 0);
    assert.deepEqual([ok, limiters.map(({ id }: { id: string }) => id)], [true, ["api", "login", "partner"]]);
    const refused = await ratesync(["init", file.path]);
    assert.deepEqual([refused.exit, readFileSync(file.path, "utf8")], [2, "mine"]);
    assert.match(refused.stderr, /it is there already\nadd --force/);
    assert.equal((await ratesync(["init", file.path, "--force"])).exit, 0);
    const { stdout } = await ratesync(["init", "--stdout"]);
    assert.equal(readFileSync(file.path, "utf8"), stdout);
  });

  it("stops with the exit code of the signal", async () => {
    using file = new ConfigFile(LIMITER);
    const exit = (await ratesync(["check", file.path], { signal: AbortSignal.abort(new Stopped(143)) })).exit;
    assert.equal(exit, 143);
  });
});
