/**
 * `ratesync simulate`
 *
 * @module
 */

import { realpath, writeFile } from "node:fs/promises";

import { NotFoundError } from "../../base/errors.ts";
import { systemClock } from "../../base/clock.ts";
import type { RateSyncConfig } from "../../registry/options.ts";
import { readConfig } from "../../registry/config/mod.ts";
import { FIELD_FORMS } from "../../simulate/fields.ts";
import { FORMAT_NAMES } from "../../simulate/formats/mod.ts";
import { fileSource, type LogSource } from "../../simulate/input/source.ts";
import { reportPage } from "../../simulate/report/page.ts";
import { checkAllowance, excessOf } from "../../simulate/report/verdict.ts";
import { countText } from "../../simulate/report/words.ts";
import { simulate } from "../../simulate/simulate.ts";
import { type Command, type Context, defineCommand } from "../command.ts";
import { EXIT } from "../exit.ts";
import { UsageError } from "../failure.ts";
import { simulationText } from "../output/simulation.ts";

/** How often progress is shown, in microseconds. */
const PROGRESS_US = 200_000;

/** Replays access logs against the limiters of a configuration, in the time of the logs and without any store. */
export const command: Command = defineCommand({
  about:
    "It reads each request of the logs, and asks the limiters of the configuration in the time of the log: the same " +
    "arithmetic as in a service, on a memory store of its own. It connects to no store and changes nothing. Each limiter " +
    "decides on its own.\n\n" +
    "With --against it decides by a second configuration too, and shows what changes. A log that is truncated, not sorted, " +
    "empty or binary is refused: there is no report of a part of it.",
  arguments: {
    logs: {
      kind: "texts",
      completes: "file",
      about: "The logs, also with gzip. Several are one log, in the order of their times. - is standard input",
    },
  },
  options: {
    against: {
      kind: "text",
      value: "FILE",
      completes: "file",
      about: "Compare with the limiters of this configuration",
    },
    limiter: { kind: "texts", value: "ID", completes: "limiter", about: "Only this limiter" },
    key: {
      kind: "texts",
      value: "[ID=]FIELD",
      about: `What the key is: ${FIELD_FORMS}; none for no key; a,b for the first that is there. ID= is for one ` +
        "limiter. The default is address",
    },
    path: { kind: "texts", value: "[ID=]PATTERN", about: "Only requests with such a path; * is any text" },
    method: { kind: "texts", value: "[ID=]METHODS", about: "Only requests with such a method: POST or GET,HEAD" },
    "ignore-status": {
      kind: "texts",
      value: "STATUS",
      about: "Leave out requests that were answered so: 429 for what was denied then, 5xx",
    },
    cost: { kind: "text", value: "FIELD", about: "The field with the cost of a request; without it, each costs 1" },
    format: {
      kind: "text",
      value: "FORMAT",
      choices: FORMAT_NAMES,
      about: `The format of the logs: ${FORMAT_NAMES.join(", ")}; without it, their first lines decide`,
    },
    "time-field": { kind: "text", value: "NAME", about: "The field with the time in JSON and CSV" },
    window: {
      kind: "duration",
      value: "DURATION",
      about: "How far back a line may lie behind the newest one; 5s by default",
    },
    sort: { kind: "flag", about: "Sort the logs in memory, whatever their order" },
    spread: { kind: "flag", about: "Spread the requests of a second evenly over it: for logs with whole seconds" },
    top: { kind: "count", value: "COUNT", about: "How many keys and paths of a limiter are shown; 20 by default" },
    "max-denied": { kind: "text", value: "COUNT", about: "End with 1 if more requests are denied: 100, or 0.1%" },
    "max-newly-denied": {
      kind: "text",
      value: "COUNT",
      about: "End with 1 if more requests are denied that --against allows",
    },
    html: { kind: "text", value: "FILE", completes: "file", about: "Also write a page with plots" },
  },
  exits: {
    0: "the logs were replayed, and no more is denied than is allowed",
    1: "more is denied than --max-denied or --max-newly-denied allows",
    2: "wrong use, or a log that cannot be replayed as a whole",
  },
  examples: [
    ["ratesync simulate access.log", "shows who would be denied by ./rate-sync.toml"],
    [
      "ratesync simulate access.log* --config new.toml --against old.toml --max-newly-denied 0",
      "fails a CI job if the new limits deny what the old ones allow",
    ],
    [
      "zstdcat app.jsonl.zst | ratesync simulate - --key user --path 'login=/login*' --html report.html",
      "replays a log of JSON by user, the limiter login only on its path",
    ],
  ],
  async run(context, values) {
    const { against, limiter, key, path, method, cost, format, window, sort, spread, top, html } = values;
    const allowance = { maxDenied: values["max-denied"], maxNewlyDenied: values["max-newly-denied"] };
    if (sort && window !== undefined) throw new UsageError("Cannot use --sort with --window: --sort takes any order");
    if (allowance.maxNewlyDenied !== undefined && against === undefined) {
      throw new UsageError("Cannot use --max-newly-denied alone: --against FILE names the limits to compare with");
    }
    checkAllowance(allowance);
    const { config } = await context.config();
    const env = (name: string) => context.io.env[name];
    const before = against === undefined ? undefined : (await readConfig(against, { env })).config;
    await checkFiles(values.logs, html);
    const sources = await openAll(values.logs, context);
    const simulation = await simulate({
      sources,
      limiters: limitersOf(config, context),
      against: before && limitersOf(before, context),
      only: limiter,
      key,
      path,
      method,
      ignoreStatus: values["ignore-status"],
      cost,
      format,
      timeField: values["time-field"],
      windowMs: sort ? Infinity : window,
      spread,
      top,
      onProgress: progressOf(sources, context),
    });
    context.progress("");
    if (html !== undefined) await writePage(html, reportPage(simulation));
    const excess = excessOf(simulation.report, allowance);
    return {
      json: excess.length === 0 ? simulation.report : { ...simulation.report, excess },
      text: simulationText(simulation.report, excess, context),
      exit: excess.length === 0 ? EXIT.done : EXIT.no,
    };
  },
});

/** The limiters of a configuration: with `--store`, those on that store. */
function limitersOf({ stores, limiters }: RateSyncConfig, { store }: Context): RateSyncConfig["limiters"] {
  if (store === undefined) return limiters;
  if (!Object.hasOwn(stores, store)) throw new NotFoundError("store", store, Object.keys(stores));
  return Object.fromEntries(Object.entries(limiters).filter(([, options]) => options.store === store));
}

/** A log that is named twice would count twice, and a page would take the place of a log. */
async function checkFiles(logs: readonly string[], html: string | undefined): Promise<void> {
  const seen = new Set<string>();
  for (const log of logs.filter((path) => path !== "-")) {
    const file = await realpath(log).catch(() => log);
    if (seen.has(file)) throw new UsageError(`Cannot replay ${log} twice: it is named twice`);
    seen.add(file);
  }
  if (html !== undefined && seen.has(await realpath(html).catch(() => html))) {
    throw new UsageError(`Cannot write the page to ${html}: it is a log`);
  }
}

async function openAll(paths: readonly string[], { io, signal }: Context): Promise<LogSource[]> {
  if (paths.filter((path) => path === "-").length > 1) throw new UsageError("Cannot read standard input twice");
  const sources: LogSource[] = [];
  for (const path of paths) {
    if (path === "-" && io.stdin.isTTY === true) {
      throw new UsageError(
        "Cannot read standard input: it is a terminal",
        "send a log to it, as in ratesync simulate - < LOG",
      );
    }
    const source = path === "-"
      ? { name: "standard input", bytes: io.stdin as AsyncIterable<Uint8Array> }
      : await fileSource(path);
    sources.push({ ...source, bytes: untilAborted(source.bytes, signal) });
  }
  return sources;
}

/** Ends with the reason of the signal. A stream of text is one of bytes here. */
async function* untilAborted(
  bytes: AsyncIterable<Uint8Array | string>,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    yield typeof chunk === "string" ? encoder.encode(chunk) : chunk;
  }
}

function progressOf(sources: readonly LogSource[], context: Context): (bytes: number, requests: number) => void {
  const sizes = sources.map(({ size }) => size);
  const total = sizes.reduce<number | undefined>(
    (sum, size) => sum === undefined || size === undefined ? undefined : sum + size,
    0,
  );
  let shownUs = -Infinity;
  return (bytes, requests) => {
    const nowUs = systemClock.nowUs();
    if (nowUs < shownUs + PROGRESS_US) return;
    shownUs = nowUs;
    const share = total === undefined ? "" : `${Math.floor(bytes / Math.max(total, 1) * 100)} %, `;
    context.progress(`Replaying: ${share}${countText(requests)} requests`);
  };
}

async function writePage(file: string, page: string): Promise<void> {
  try {
    await writeFile(file, page);
  } catch (error) {
    const { code } = Object(error) as { readonly code?: unknown };
    throw new UsageError(`Cannot write the page to ${file}: ${String(code ?? error)}`);
  }
}
