/**
 * `ratesync help`
 *
 * @module
 */

import { type Command, defineCommand } from "../command.ts";
import { helpOf, helpOfProgram, rowOf } from "../usage.ts";

/** Shows the help of the program, or of a command. */
export const command: Command = defineCommand({
  arguments: { command: { kind: "text", optional: true, completes: "command", about: "The command to explain" } },
  options: {},
  examples: [["ratesync help keys", "tells what keys does, with its options"]],
  async run(context, { command: name }) {
    const { commands } = context;
    if (name === undefined) return helpOfProgram(commands, context);
    return await helpOf(name, rowOf(commands, name), context);
  },
});
