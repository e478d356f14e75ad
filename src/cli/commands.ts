/**
 * The commands: a row and a file for each. The file is loaded when the command runs.
 *
 * @module
 */

import type { CommandTable } from "./command.ts";

/** The commands by name, in the order of the help. */
export const COMMANDS: CommandTable = {
  check: {
    summary: "check a configuration file and its stores",
    load: () => import("./commands/check.ts"),
  },
  why: {
    summary: "explain why a call is denied, and until when",
    load: () => import("./commands/why.ts"),
  },
  simulate: {
    summary: "replay access logs: who would be denied",
    load: () => import("./commands/simulate.ts"),
  },
  serve: {
    summary: "decide for programs in other languages, over HTTP",
    load: () => import("./commands/serve.ts"),
  },
  doctor: {
    summary: "examine the stores, and the processes that share them",
    load: () => import("./commands/doctor.ts"),
  },
  top: {
    summary: "show live what all processes do",
    load: () => import("./commands/top.ts"),
  },
  help: {
    summary: "show help, also of a command",
    load: () => import("./commands/help.ts"),
  },
};
