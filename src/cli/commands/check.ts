/**
 * `ratesync check`
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { rulesText } from "../../policy/rules_text.ts";
import type { StoreCheck } from "../../stores/check.ts";
import { type Command, type Context, defineCommand, type Outcome } from "../command.ts";
import { EXIT } from "../exit.ts";
import type { Paint } from "../output/paint.ts";
import { table } from "../output/table.ts";
import { printable } from "../output/text.ts";

/** Something to look at. */
interface Finding {
  /** `error`: the package cannot work so. `warning`: it works, perhaps not as it was meant. `advice`: it could be better. */
  readonly level: "error" | "warning" | "advice";
  /** Where it is: `limiters.api.limit`, `stores.main`, `rate-sync.toml`. */
  readonly where: string;
  /** What it is, and what to do. */
  readonly message: string;
}

/** How a store is shown. */
interface ShownStore {
  readonly id: string;
  readonly engine: string;
  readonly url: string | undefined;
  /** What a look at it found; absent with `--offline`. */
  readonly check?: StoreCheck;
}

/** Reads the configuration as the package does, then looks at each store. */
export const command: Command = defineCommand({
  about: "It reads and compiles the file exactly as the package does, with the environment variables that it names. " +
    "Then it connects to each store, and makes sure that the store can decide by the rules of its limiters.",
  arguments: {
    file: { kind: "text", optional: true, completes: "file", about: "The file, in place of --config" },
  },
  options: {
    offline: { kind: "flag", about: "Only check the file, do not connect to any store" },
  },
  exits: {
    0: "the file can be used, and each store can decide",
    1: "the file cannot be used, or a store cannot decide",
  },
  examples: [
    ["ratesync check", "checks the file in the usual place, and its stores"],
    ["ratesync check deploy/rate-sync.toml --offline --json", "checks a file in a CI job"],
  ],
  async run(context, { file, offline }) {
    try {
      await context.config(file);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return report(context, { file: error.file, stores: [], limiters: [], findings: [findingOf(error)] });
    }
    const { file: path, warnings } = await context.config();
    const rs = await context.open({ quiet: true });
    const stores = await Promise.all(
      Object.entries(rs.listStores()).map(async ([id, { engine, url }]): Promise<ShownStore> => {
        return { id, engine, url, ...(offline ? {} : { check: await rs.check(id) }) };
      }),
    );
    return report(context, {
      file: path,
      stores,
      limiters: Object.entries(rs.listLimiters()).map(([id, { store, policy }]) => {
        return { id, store, rules: rulesText(policy) };
      }),
      findings: [
        ...warnings.map((message): Finding => ({ level: "warning", where: path, message })),
        ...stores.flatMap(findingsOf),
      ],
    });
  },
});

interface Found {
  readonly file: string | undefined;
  readonly stores: readonly ShownStore[];
  readonly limiters: readonly { readonly id: string; readonly store: string; readonly rules: string }[];
  readonly findings: readonly Finding[];
}

function findingOf({ path, message }: ConfigError): Finding {
  return { level: "error", where: path, message };
}

function findingsOf({ id, check }: ShownStore): Finding[] {
  const where = `stores.${id}`;
  const problems = check?.problems.map(({ message, stopsDecisions }): Finding => {
    return { level: stopsDecisions ? "error" : "warning", where, message };
  });
  return [...problems ?? [], ...(check?.advice ?? []).map((message): Finding => ({ level: "advice", where, message }))];
}

const COLOURS = { error: "red", warning: "yellow", advice: "cyan" } as const;

function report({ paint, columns }: Context, { file, stores, limiters, findings }: Found): Outcome {
  const ok = !findings.some(({ level }) => level === "error");
  const options = { paint, columns };
  const parts = [
    stores.length === 0 ? "" : table(
      [{ title: "STORE" }, { title: "ENGINE" }, { title: "URL" }, { title: "STATE" }],
      stores.map(({ id, engine, url = "", check }) => [printable(id), engine, url, stateOf(check, paint)]),
      options,
    ),
    limiters.length === 0 ? "" : table(
      [{ title: "LIMITER" }, { title: "STORE" }, { title: "RULES" }],
      limiters.map(({ id, store, rules }) => [printable(id), printable(store), rules]),
      options,
    ),
    findings.map(({ level, where, message }) => {
      return `${paint(COLOURS[level], `${level}:`)} ${printable(where)}: ${printable(message)}`;
    }).join("\n"),
    ok
      ? paint("green", `${file ?? "The file"} can be used.`)
      : paint("red", `${file ?? "The file"} cannot be used as it is.`),
  ];
  return {
    json: { ok, file, stores, limiters, findings },
    text: parts.filter((part) => part !== "").join("\n\n"),
    exit: ok ? EXIT.done : EXIT.no,
  };
}

function stateOf(check: StoreCheck | undefined, paint: Paint): string {
  if (check === undefined) return "not checked";
  if (!check.ok) return paint("red", "cannot decide");
  const latency = check.latencyMs === undefined ? "" : ` in ${check.latencyMs.toFixed(1)} ms`;
  return paint("green", `decides${latency}`) + (check.version === undefined ? "" : `, version ${check.version}`);
}
