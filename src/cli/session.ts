/**
 * One run of the program, as a command sees it.
 *
 * @module
 */

import { createInterface } from "node:readline";

import { NotFoundError } from "../base/errors.ts";
import { onAbort } from "../base/abort.ts";
import type { Logger } from "../observe/events.ts";
import { CONFIG_PLACES, findConfigFile, readConfig } from "../registry/config/mod.ts";
import type { RateSyncConfig } from "../registry/options.ts";
import type { RateSync } from "../registry/rate_sync.ts";
import { createRateSync } from "../registry/rate_sync.ts";
import type { CommandTable, Context, FoundConfig, Outcome } from "./command.ts";
import { type FailureReport, NotConfirmed, UsageError } from "./failure.ts";
import { coloured, type Paint, plain, wantsColour } from "./output/paint.ts";
import { cutTo, printable } from "./output/text.ts";
import type { Surroundings } from "./surroundings.ts";

/** What the options of every command say. */
export interface SessionOptions {
  readonly json: boolean;
  readonly yes: boolean;
  readonly noColour: boolean;
  readonly store: string | undefined;
  readonly configFile: string | undefined;
}

/** One run of the program. */
export class Session implements Context {
  readonly io: Surroundings;
  readonly commands: CommandTable;
  readonly signal: AbortSignal;
  readonly json: boolean;
  readonly yes: boolean;
  readonly store: string | undefined;
  readonly paint: Paint;
  readonly columns: number;
  readonly #errorPaint: Paint;
  readonly #configFile: string | undefined;
  #config: Promise<FoundConfig> | undefined;
  #instance: Promise<RateSync> | undefined;
  #isProgressShown = false;

  constructor(io: Surroundings, commands: CommandTable, { json, yes, noColour, store, configFile }: SessionOptions) {
    this.io = io;
    this.commands = commands;
    this.signal = io.signal;
    this.json = json;
    this.yes = yes;
    this.store = store;
    this.#configFile = configFile;
    this.paint = !json && wantsColour(io.stdout, io.env, noColour) ? coloured : plain;
    this.#errorPaint = wantsColour(io.stderr, io.env, noColour) ? coloured : plain;
    this.columns = io.stdout.isTTY === true ? io.stdout.columns || 80 : Infinity;
  }

  config(file: string | undefined = this.#configFile): Promise<FoundConfig> {
    return this.#config ??= this.#readConfig(file);
  }

  async #readConfig(wanted: string | undefined): Promise<FoundConfig> {
    const env = (name: string) => this.io.env[name];
    const file = wanted ?? await findConfigFile(env);
    if (file === undefined) {
      throw new UsageError(
        `Cannot find a configuration file: there is none at ${CONFIG_PLACES}`,
        "ratesync init writes one; --config FILE names another place",
      );
    }
    return { file, ...await readConfig(file, { env }) };
  }

  open({ quiet = false }: { readonly quiet?: boolean } = {}): Promise<RateSync> {
    return this.#instance ??= this.#open(quiet);
  }

  async #open(isQuiet: boolean): Promise<RateSync> {
    const { config, warnings } = await this.config();
    if (!isQuiet) warnings.forEach((warning) => this.warn(warning));
    const { stores, limiters, http } = this.store === undefined ? config : onlyStore(config, this.store);
    const throwing = Object.entries(limiters).map(([id, options]) => {
      return [id, { ...options, onStoreError: "throw" }] as const;
    });
    const logger: Logger = {
      debug: () => {},
      info: () => {},
      warn: (message) => this.warn(message.replace(/^rate-sync: /, "")),
      error: () => {}, // what fails here reaches a call
    };
    return createRateSync({ stores, limiters: Object.fromEntries(throwing), http, logger });
  }

  /** Closes the instance, if there is one. */
  async close(): Promise<void> {
    this.progress("");
    const instance = await this.#instance?.catch(() => undefined);
    await instance?.close();
  }

  /** Writes what was answered, as text or as JSON. */
  answer({ json, text }: Outcome): void {
    this.progress("");
    if (this.json && json !== undefined) this.io.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
    else if (!this.json && text) this.io.stdout.write(`${text}\n`);
  }

  /** Writes what went wrong: as text to standard error, as JSON to standard output. */
  fail(report: FailureReport): void {
    if (this.json) return this.answer({ json: { error: report } });
    this.progress("");
    const { message, hint } = report;
    const lines = message.split("\n").map(printable).join("\n");
    this.io.stderr.write(
      `${this.#errorPaint("red", "error:")} ${lines}\n${hint === undefined ? "" : `${printable(hint)}\n`}`,
    );
  }

  async confirm(question: string): Promise<void> {
    if (this.yes) return;
    const { stdin, stderr } = this.io;
    if (stdin.isTTY !== true) {
      throw new UsageError(
        `${question}: not done without a confirmation, and standard input is no terminal`,
        "add --yes",
      );
    }
    stderr.write(`${question}. Continue? [y/N] `);
    const answer = await this.#readLine();
    if (!/^y(es)?$/i.test(answer.trim())) throw new NotConfirmed();
  }

  /** A line of standard input; empty where it ends before one. */
  #readLine(): Promise<string> {
    return new Promise((resolve, reject) => {
      const lines = createInterface({ input: this.io.stdin });
      const stay = onAbort(this.signal, () => {
        reject(this.signal.reason);
        lines.close(); // which resolves, where nothing has settled it
      });
      let answer = "";
      lines.once("line", (line) => {
        answer = line;
        lines.close();
      });
      lines.once("close", () => {
        stay();
        resolve(answer);
      });
    });
  }

  warn(message: string): void {
    this.progress("");
    this.io.stderr.write(`${this.#errorPaint("yellow", "warning:")} ${printable(message)}\n`);
  }

  progress(text: string): void {
    const { stderr } = this.io;
    if (stderr.isTTY !== true || this.json || (text === "" && !this.#isProgressShown)) return;
    stderr.write(`\r\x1b[K${cutTo(text, (stderr.columns || 80) - 1)}`);
    this.#isProgressShown = text !== "";
  }
}

/**
 * A configuration with one store, and the limiters on it.
 *
 * @throws {NotFoundError} If there is no such store.
 */
function onlyStore({ stores, limiters, http }: RateSyncConfig, id: string): RateSyncConfig {
  const store = stores[id];
  if (store === undefined || !Object.hasOwn(stores, id)) throw new NotFoundError("store", id, Object.keys(stores));
  const isOnly = Object.keys(stores).length === 1;
  const kept = Object.entries(limiters).filter(([, options]) => options.store === id || (isOnly && !options.store));
  return { stores: { [id]: store }, limiters: Object.fromEntries(kept), http };
}
