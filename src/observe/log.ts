/**
 * Where an instance writes its messages.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { heed } from "../base/heed.ts";
import { show } from "../base/text.ts";
import type { Logger } from "./events.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;

type Level = (typeof LEVELS)[number];

/** Writes to a logger; without one, warnings and errors to the console. A logger that throws does no harm. */
export class Log implements Logger {
  #logger: Logger | false | undefined;

  constructor(logger?: Logger | false) {
    this.use(logger);
  }

  /**
   * Writes to another logger from now on.
   *
   * @throws {ConfigError} If it is none; nothing is changed then.
   */
  use(logger: Logger | false | undefined): void {
    const missing = logger ? LEVELS.find((level) => typeof logger[level] !== "function") : undefined;
    if (missing !== undefined || (!logger && logger !== false && logger !== undefined)) {
      throw new ConfigError({
        path: "logger",
        expected: "an object with debug, info, warn and error, such as console; or false",
        received: missing !== undefined && typeof logger === "object" ? `one without ${missing}` : show(logger),
      });
    }
    this.#logger = logger;
  }

  /** Writes what a developer may want to see. */
  debug(message: string, ...data: unknown[]): void {
    this.#write("debug", message, data);
  }

  /** Writes what went as planned. */
  info(message: string, ...data: unknown[]): void {
    this.#write("info", message, data);
  }

  /** Writes what to look at. */
  warn(message: string, ...data: unknown[]): void {
    this.#write("warn", message, data);
  }

  /** Writes what failed. */
  error(message: string, ...data: unknown[]): void {
    this.#write("error", message, data);
  }

  /** Writes good news that ends a warning: at level `info`, and to the console too. */
  recovered(message: string): void {
    this.#write("info", message, [], true);
  }

  #write(level: Level, message: string, data: unknown[], isForConsole = level === "warn" || level === "error"): void {
    if (this.#logger === false || (this.#logger === undefined && !isForConsole)) return;
    try {
      heed((this.#logger ?? console)[level](`rate-sync: ${message}`, ...data), () => {});
    } catch {
      // What a logger throws must not change a decision.
    }
  }
}
