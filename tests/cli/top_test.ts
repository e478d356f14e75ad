import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Stopped } from "../../src/cli/failure.ts";
import { widthOf } from "../../src/cli/output/text.ts";
import { ratesync, ratesyncJson } from "../_support/cli.ts";
import { commandOf } from "../_support/processes.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { openTerminal } from "../_support/terminal.ts";
import { callingProcess, instance } from "../fleet/_processes.ts";
import { ConfigFile } from "./_places.ts";

const API = { limit: 5, windowMs: 600_000, denyCacheMs: 0 };

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";

/** What the page shows of two processes that disagree, when the next page has begun. */
const SHOWN =
  // deno-lint-ignore no-control-regex -- codes of terminals
  /2 processes, \d\d+ calls\/s[^]*api !.*rate \d\d[^]*DENIED BY[^]*u001b\[2J<script>[^]*\u001b\[H/;

/** A configuration whose limiter `api` other processes have too. */
function fleetFile(keyPrefix: string): ConfigFile {
  return new ConfigFile(
    `[stores.s]\nurl = "${redisUrl()}"\nkey_prefix = "${keyPrefix}"\n` +
      `[limiters.api]\nlimit = 5\nwindow = "10m"\n[limiters.idle]\nmax_concurrent = 1\n`,
  );
}

function topIn(file: ConfigFile, ...args: string[]) {
  const [program, before] = commandOf("../src/cli/bin", ["top", ...args, "--config", file.path]);
  return openTerminal([program, ...before], { rows: 24, columns: 110 });
}

/** The lines of each page, without codes. */
function pagesOf(text: string): string[][] {
  // deno-lint-ignore no-control-regex -- codes of terminals
  return text.split(HOME).map((page) => page.replace(/\u001b\[[\d;?]*[A-Za-z]/g, "").split(/\r+\n/));
}

describe("ratesync top", { timeout: 90_000, concurrency: true }, () => {
  it("redraws a page of the fleet in a terminal, fits it to another size, and gives the terminal back", async () => {
    const keyPrefix = freshPrefix();
    const store = { engine: "redis", url: redisUrl(), keyPrefix } as const;
    await using one = callingProcess(store, API);
    await using _two = callingProcess(store, { ...API, limit: 6 });
    const attack = setInterval(() => void one.rs.tryAcquire("api", { key: "\u001b[2J<script>" }), 20);
    try {
      using file = fleetFile(keyPrefix);
      await using terminal = await topIn(file);
      await terminal.until(SHOWN);
      const page = pagesOf(terminal.text).find((lines) => lines.some((line) => line.includes("<script>"))) ?? [];
      assert.ok(page.some((line) => /^LIMITER +CALLS\/S +ALLOWED\/S +DENIED\/S +REASONS/.test(line)), page.join("\n"));
      assert.ok(page.some((line) => /^api +[56] per 10 min, token_bucket +key +\d/.test(line)), page.join("\n"));
      assert.ok(page.some((line) => /^! Rules that differ between processes/.test(line)));
      for (const words of ["burst 5", "burst 6"]) assert.ok(page.some((line) => line.includes(words)), words);
      assert.ok(terminal.text.includes(ENTER), JSON.stringify(terminal.text.slice(0, 200)));
      const redrawn = terminal.text.length;
      // deno-lint-ignore no-control-regex -- codes of terminals
      await terminal.until(/(?:\u001b\[H[^]*){2}/, redrawn);
      assert.ok(!terminal.text.includes("\u001b[2J"), "a key moves no cursor");
      const before = terminal.text.length;
      terminal.resize(9, 44);
      // deno-lint-ignore no-control-regex -- codes of terminals
      await terminal.until(/(?:\u001b\[H[^]*\u001b\[J){2}/, before);
      const small = pagesOf(terminal.text).at(-1) ?? [];
      assert.ok(small.length <= 9 && small.every((line) => widthOf(line) <= 44), small.join("\n"));
      assert.ok(!small.some((line) => line.includes("ALLOWED/S")), "columns that have no room are left out");
      terminal.press("q");
      assert.deepEqual(await terminal.exited, { code: 0, mode: "lines echo" });
      assert.ok(terminal.text.endsWith(LEAVE));
    } finally {
      clearInterval(attack);
    }
  });

  it("gives the terminal back when it is interrupted, and ends with 130", async () => {
    using file = fleetFile(freshPrefix());
    await using terminal = await topIn(file, "--interval", "1h");
    await terminal.until(/no process has made a call lately/);
    terminal.press("\u0003");
    assert.deepEqual(await terminal.exited, { code: 130, mode: "lines echo" });
    assert.ok(terminal.text.endsWith(LEAVE));
  });

  it("prints tables, or lines of JSON, where there is no terminal", async () => {
    const keyPrefix = freshPrefix();
    const store = { engine: "redis", url: redisUrl(), keyPrefix } as const;
    await using _one = callingProcess(store, API);
    using file = fleetFile(keyPrefix);
    const config = ["--config", file.path];
    const fleet = await ratesyncJson(["top", "api", "--once", ...config], 0);
    assert.deepEqual(fleet.limiters.map(({ id, processes }: { id: string; processes: number }) => [id, processes]), [
      ["api", 1],
    ]);
    assert.ok(fleet.limiters[0].perSecond > 0);
    assert.equal((await ratesyncJson(["top", "--wait", "1s", ...config], 2)).error.hint, "add --once");
    const stop = new AbortController();
    const printing = ratesync(["top", "--json", "--interval", "300ms", ...config], { signal: stop.signal });
    const tables = ratesync(["top", "--interval", "300ms", ...config], { signal: stop.signal });
    setTimeout(() => stop.abort(new Stopped()), 3_000);
    const lines = (await printing).stdout.trimEnd().split("\n");
    assert.ok(lines.length >= 2, `${lines.length} lines`);
    for (const line of lines) assert.ok(Array.isArray(JSON.parse(line).limiters));
    const { stdout } = await tables;
    assert.ok((stdout.match(/^ratesync top/gm)?.length ?? 0) >= 2, stdout);
    // deno-lint-ignore no-control-regex -- codes of terminals
    assert.doesNotMatch(stdout, /\u001b/);
  });

  it("names the nearest limiter, and says what is wrong with a store", async () => {
    using file = fleetFile(freshPrefix());
    const unknown = await ratesync(["top", "apy", "--once", "--config", file.path]);
    assert.deepEqual([unknown.exit, unknown.stdout], [2, ""]);
    assert.match(unknown.stderr, /did you mean "api"/);
    using away = new ConfigFile('[stores.s]\nurl = "redis://127.0.0.1:1"\n[limiters.api]\nlimit = 1\nwindow = "1s"\n');
    const { exit, stdout } = await ratesync(["top", "--once", "--config", away.path]);
    assert.equal(exit, 3);
    assert.match(stdout, /store s \(redis\): Cannot reach Redis/);
  });
});

describe("ratesync doctor", { timeout: 60_000 }, () => {
  it("ends with 1 where processes disagree, with 0 where all is well, and with 3 where a store is away", async () => {
    const keyPrefix = freshPrefix();
    const store = { engine: "redis", url: redisUrl(), keyPrefix } as const;
    using file = fleetFile(keyPrefix);
    const doctor = ["doctor", "--wait", "100ms", "--config", file.path];
    const well = await ratesync(doctor, { columns: 90 });
    assert.equal(well.exit, 0, well.stdout);
    assert.match(well.stdout, /Nothing is wrong: 0 errors, 0 warnings, \d notes\./);
    for (const line of well.stdout.split("\n")) assert.ok(widthOf(line) <= 90, line);
    await using other = instance(store, { api: { ...API, limit: 6 } });
    await other.tryAcquire("api");
    const { ok, stores } = await ratesyncJson(doctor, 1);
    assert.equal(ok, false);
    const { level, detail, advice } = stores[0].findings.find(({ what }: { what: string }) => what === "rules");
    assert.deepEqual([level, typeof advice], ["warning", "string"]);
    assert.match(detail, /burst 6 .* in the processes, and .*burst 5 in this configuration/);
    using away = new ConfigFile(
      '[stores.s]\nurl = "redis://:pw@127.0.0.1:1"\n[limiters.api]\nlimit = 1\nwindow = "1s"\n',
    );
    const { exit, stdout } = await ratesync(["doctor", "--config", away.path]);
    assert.equal(exit, 3);
    assert.match(stdout, /^error +reachability +Cannot reach Redis at redis:\/\/127\.0\.0\.1:1/m);
    assert.ok(!stdout.includes("pw"));
  });
});
