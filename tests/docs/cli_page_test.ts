import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";

import { createRateSync, type RateSync } from "../../mod.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { EXIT_MEANINGS } from "../../src/cli/exit.ts";
import { COMMON_OPTIONS } from "../../src/cli/parse.ts";
import { ratesync } from "../_support/cli.ts";
import { freshPrefix, redisUrl } from "../_support/redis.ts";
import { ConfigFile } from "../cli/_places.ts";

const page = readFileSync("docs/cli.md", "utf8");

/** Calls of the program on the page, each with what the page says that it prints. */
const calls = [...page.matchAll(/(<!-- console: first line, titles -->\n\n)?```console\n([^]*?)```/g)].flatMap(
  ([, isLoose, text = ""]) =>
    text.split(/^(?=\$ )/m).map((part) => {
      const [line = "", ...printed] = part.split("\n");
      return { words: wordsOf(line.replace(/^\$ ratesync /, "")), printed: printed.join("\n"), isLoose: !!isLoose };
    }),
);

/** The words of a command line of the page. */
function wordsOf(line: string): string[] {
  return Array.from(line.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, plain]) => quoted ?? plain ?? "");
}

/** Output without what differs from run to run: numbers, addresses, and the room that they take. */
function masked(text: string): string {
  return text.replace(/[^\s"]*rate-sync\.toml/g, "FILE").replace(/redis:\/\/[^\s")]+/g, "URL")
    .replace(/\d+(?:\.\d+)? (?:ms|s|min|h)(?: \d+ (?:s|min))?(?!\w)/g, "TIME")
    .replace(/-?\d+(?:\.\d+)?/g, "N").replace(/\s+/g, " ").trim();
}

/** The first line, and the titles of tables. */
function headOf(text: string): string {
  return text.split("\n").filter((line, i) => i === 0 || /^[A-Z][A-Z\d/ ]+$/.test(line)).join("\n");
}

describe("docs/cli.md", () => {
  let file: ConfigFile;
  let rs: RateSync;

  before(async () => {
    const [, toml = ""] = /```toml\n([^]*?)```/.exec(page) ?? [];
    const url = `url = "${redisUrl()}"\nkey_prefix = "${freshPrefix()}"`;
    file = new ConfigFile(toml.replace('url = "redis://localhost:6379"', url));
    rs = createRateSync({ logger: false });
    await rs.loadConfig(file.path);
    for (let i = 0; i < 7; i++) await rs.tryAcquire("login", { key: "203.0.113.7" });
    for (let i = 0; i < 2; i++) await rs.tryAcquire("login", { key: "198.51.100.4" });
    await rs.tryAcquire("api", { key: "user:42" });
  });
  after(async () => {
    await rs.close();
    file[Symbol.dispose]();
  });

  it("shows what each command prints", async () => {
    assert.ok(calls.length > 12, `only ${calls.length} calls were found`);
    const caller = setInterval(() => void rs.tryAcquire("api", { key: "user:7", cost: 20 }), 100);
    try {
      for (const { words, printed, isLoose } of calls) {
        const { stdout, stderr } = await ratesync(words, { env: { RATE_SYNC_CONFIG: file.path } });
        const [expected, received] = [printed, stdout].map((text) => masked(isLoose ? headOf(text) : text));
        assert.equal(received, expected, `ratesync ${words.join(" ")}\n${stderr}`);
      }
    } finally {
      clearInterval(caller);
    }
  });

  it("names every command, with its options, and the exit codes", async () => {
    for (const [name, { load }] of Object.entries(COMMANDS)) {
      assert.match(page, new RegExp(`^\\| \\[.*\`${name}\``, "m"));
      const { options } = (await load()).command;
      if (["simulate", "serve", "dashboard"].includes(name)) continue; // these have pages of their own
      for (const option of Object.keys(options)) assert.ok(page.includes(`--${option}`), `${name} --${option}`);
    }
    for (const option of Object.keys(COMMON_OPTIONS)) assert.ok(page.includes(`| \`--${option}`), `--${option}`);
    for (const [code, meaning] of EXIT_MEANINGS) {
      assert.match(page, new RegExp(`^\\| ${code} +\\| ${meaning} *\\|$`, "m"));
    }
  });
});
