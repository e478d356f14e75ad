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
  doctor: {
    summary: "examine the stores, and the processes that share them",
    load: () => import("./commands/doctor.ts"),
  },
  why: {
    summary: "explain why a call is denied, and until when",
    load: () => import("./commands/why.ts"),
  },
  keys: {
    summary: "list keys of a limiter, with where each stands",
    load: () => import("./commands/keys.ts"),
  },
  top: {
    summary: "show live what all processes do",
    load: () => import("./commands/top.ts"),
  },
  block: {
    summary: "deny every call for a key for some time",
    load: () => import("./commands/block.ts"),
  },
  unblock: {
    summary: "end a block",
    load: () => import("./commands/unblock.ts"),
  },
  reset: {
    summary: "start a key, a limiter or a store anew",
    load: () => import("./commands/reset.ts"),
  },
  refund: {
    summary: "give units back to a key",
    load: () => import("./commands/refund.ts"),
  },
  penalize: {
    summary: "charge units to a key",
    load: () => import("./commands/penalize.ts"),
  },
  simulate: {
    summary: "replay access logs: who would be denied",
    load: () => import("./commands/simulate.ts"),
  },
  dashboard: {
    summary: "serve a live page of the fleet",
    load: () => import("./commands/dashboard.ts"),
  },
  serve: {
    summary: "decide for programs in other languages, over HTTP",
    load: () => import("./commands/serve.ts"),
  },
  init: {
    summary: "write a commented rate-sync.toml",
    load: () => import("./commands/init.ts"),
  },
  completion: {
    summary: "print a script that completes words in a shell",
    load: () => import("./commands/completion.ts"),
  },
  help: {
    summary: "show help, also of a command",
    load: () => import("./commands/help.ts"),
  },
};
