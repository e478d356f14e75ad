import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";

import { COMMANDS } from "../../src/cli/commands.ts";
import { VERSION } from "../../src/base/version.ts";
import { ratesync, ratesyncJson } from "../_support/cli.ts";

describe("ratesync", () => {
  it("shows help, its version and the help of each command", async () => {
    const { exit, stdout, stderr } = await ratesync(["--help"]);
    assert.equal(exit, 0);
    assert.equal(stderr, "");
    for (const [name, { summary }] of Object.entries(COMMANDS)) {
      assert.match(stdout, new RegExp(`^  ${name} +${summary}$`, "m"));
      const help = await ratesync([name, "--help"]);
      assert.equal(help.exit, 0);
      assert.match(help.stdout, new RegExp(`^  ratesync ${name}\\b`, "m"));
      assert.deepEqual(await ratesync(["help", name]), help);
      for (const line of help.stdout.split("\n")) assert.ok(line.length <= 100, line);
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
});
