import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";

import { TemporaryFolder } from "../../scripts/_temporary.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { FORMAT_NAMES } from "../../src/simulate/formats/mod.ts";
import { ratesync } from "../_support/cli.ts";

const page = await readFile("docs/simulate.md", "utf8");

/** Words of a command line; quotes hold words together. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? "");
}

describe("docs/simulate.md", () => {
  it("shows what the program prints for the files on the page", async () => {
    using folder = new TemporaryFolder("page");
    for (const [, name = "", text = ""] of page.matchAll(/<!-- file: (\S+) -->\n\n```\w+\n(.*?)^```$/gms)) {
      await writeFile(join(folder.path, name), text);
    }
    const before = process.cwd();
    const outputs = [...page.matchAll(/<!-- output -->\n\n```text\n\$ ratesync ([^\n]*)\n(.*?)^```$/gms)];
    assert.equal(outputs.length, 2);
    for (const [, line = "", shown] of outputs) {
      process.chdir(folder.path);
      const { stdout, stderr } = await ratesync(wordsOf(line), { env: { NO_COLOR: "1" } }).finally(() =>
        process.chdir(before)
      );
      assert.equal(stderr, "");
      assert.equal(stdout, shown);
    }
  });

  it("names options and formats that there are", async () => {
    const { command } = await (COMMANDS["simulate"] as (typeof COMMANDS)[string]).load();
    const options = [...Object.keys(command.options), "config", "json"];
    for (const [, name = ""] of page.matchAll(/ --([a-z][a-z-]+)/g)) {
      if (name !== "recursive") assert.ok(options.includes(name), name);
    }
    for (const name of FORMAT_NAMES) assert.match(page, new RegExp(`^\\| \`${name}\` `, "m"));
  });
});
