/**
 * `ratesync init`
 *
 * @module
 */

import { writeFile } from "node:fs/promises";

import { reasonOf } from "../../registry/config/find.ts";
import { type Command, defineCommand } from "../command.ts";
import { UsageError } from "../failure.ts";
import { TEMPLATE } from "../template.ts";

/** Where the package looks for the file first. */
const USUAL = "rate-sync.toml";

/** Writes a configuration file with comments. */
export const command: Command = defineCommand({
  about:
    "The file has one store and three limiters, with comments that say what each option means. It can be used as it " +
    "is: with REDIS_URL set, all processes share the limits; without it, each process counts for itself.",
  arguments: {
    file: { kind: "text", optional: true, completes: "file", about: `Where to write it; ./${USUAL} if left out` },
  },
  options: {
    stdout: { kind: "flag", about: "Print it, write no file" },
    force: { kind: "flag", about: "Overwrite a file that is there" },
  },
  examples: [
    ["ratesync init", "writes ./rate-sync.toml"],
    ["ratesync init --stdout", "shows what it would write"],
  ],
  async run(_context, { file = USUAL, stdout, force }) {
    if (stdout) return { json: { text: TEMPLATE }, text: TEMPLATE.trimEnd() };
    try {
      await writeFile(file, TEMPLATE, { flag: force ? "w" : "wx" });
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === "EEXIST" || reason === "AlreadyExists") {
        throw new UsageError(`Cannot write ${file}: it is there already`, "add --force to overwrite it");
      }
      throw new UsageError(`Cannot write ${file}: ${reason}`);
    }
    return { json: { file }, text: `Wrote ${file}. ratesync check ${file === USUAL ? "" : `${file} `}checks it.` };
  },
});
