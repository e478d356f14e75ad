/**
 * `ratesync doctor`
 *
 * @module
 */

import { type Examination, examine } from "../../doctor/examine.ts";
import type { Finding, Level } from "../../doctor/finding.ts";
import { type Command, type Context, defineCommand, type Outcome } from "../command.ts";
import { EXIT } from "../exit.ts";
import { padTo, printable, wrap } from "../output/text.ts";

const COLOURS = { ok: "green", note: "cyan", warning: "yellow", error: "red" } as const;

/** How wide the columns of levels and of what was looked at are. */
const LEVEL_WIDTH = 9;
const WHAT_WIDTH = 14;

/** How long lines are that no terminal bounds. */
const PLAIN_COLUMNS = 120;

/** Examines the stores, and the processes that share them. */
export const command: Command = defineCommand({
  about: "It looks at each store: whether it can be reached, how fast it answers, rights, version, clock, memory, " +
    "eviction, persistence, replicas, encryption and a sample of the keys. Then it asks the processes that use the store " +
    "what they do, and compares their rules with each other and with the configuration. It changes no limit.\n\n" +
    "It takes about five seconds. Processes that made no call within the last seconds do not report.",
  arguments: {},
  options: {
    wait: {
      kind: "duration",
      value: "TIME",
      max: 60_000,
      about: "How long to wait for reports of processes; 4s if left out. Over REST, processes need up to 11s",
    },
  },
  exits: {
    0: "nothing is wrong",
    1: "there are warnings or errors, and each store can decide",
    3: "a store cannot decide: it cannot be reached, or refuses",
  },
  examples: [
    ["ratesync doctor", "examines all stores of the configuration"],
    ["ratesync doctor --store shared --json", "examines one, for a program"],
  ],
  async run(context, { wait }) {
    const rs = await context.open();
    const stores = Object.keys(rs.listStores());
    context.progress(`Examining ${stores.map(printable).join(", ")}, and the processes that use it ...`);
    const watch = wait === undefined ? {} : { watchMs: wait };
    const found = await examine(rs, { stores, signal: context.signal, ...watch });
    const all = found.flatMap(({ findings }) => findings);
    const isWell = !all.some(({ level }) => level === "warning" || level === "error");
    return {
      json: { ok: isWell, stores: found },
      text: textOf(context, found, all),
      exit: found.some(({ ok }) => !ok) ? EXIT.store : isWell ? EXIT.done : EXIT.no,
    };
  },
});

function textOf(
  context: Context,
  found: readonly Examination[],
  all: readonly Finding[],
): NonNullable<Outcome["text"]> {
  const { paint } = context;
  const parts = found.map(({ store, findings }) => {
    const lines = findings.flatMap((finding) => linesOf(context, finding));
    return [paint("bold", `store ${printable(store)}`), ...lines].join("\n");
  });
  const count = (level: Level) => all.filter((finding) => finding.level === level).length;
  const [errors, warnings, notes] = [count("error"), count("warning"), count("note")];
  const sum = [[errors, "error"], [warnings, "warning"], [notes, "note"]].map(([n, noun]) => {
    return `${n} ${noun}${n === 1 ? "" : "s"}`;
  }).join(", ");
  const colour = errors > 0 ? "red" : warnings > 0 ? "yellow" : "green";
  return [...parts, paint(colour, errors + warnings === 0 ? `Nothing is wrong: ${sum}.` : `Found ${sum}.`)].join(
    "\n\n",
  );
}

function linesOf({ paint, columns }: Context, { level, what, detail, advice }: Finding): string[] {
  const head = paint(COLOURS[level], padTo(level, LEVEL_WIDTH)) + padTo(what, WHAT_WIDTH);
  const indent = " ".repeat(LEVEL_WIDTH + WHAT_WIDTH);
  const width = Math.max(Math.min(columns, PLAIN_COLUMNS), indent.length + 20);
  const text = wrap(printable(detail), width, indent).slice(indent.length);
  const todo = advice === undefined ? [] : [wrap(`-> ${printable(advice)}`, width, indent)];
  return [head + text, ...todo];
}
