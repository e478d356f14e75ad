/**
 * Errors of the program, and how it shows any error.
 *
 * @module
 */

import { NotFoundError, RateSyncError, StoreError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { show } from "../base/text.ts";
import { LogError } from "../simulate/log_error.ts";
import { EXIT } from "./exit.ts";

/** A command line that cannot be used. Nothing was changed. */
export class UsageError extends Error {
  /** What to do: a command to type. */
  readonly hint: string | undefined;

  /**
   * @param message What is wrong, what was received, and what is allowed.
   * @param hint What to do.
   */
  constructor(message: string, hint?: string) {
    super(message);
    this.name = "UsageError";
    this.hint = hint;
  }
}

/** The user did not confirm. Nothing was changed. */
export class NotConfirmed extends Error {
  constructor() {
    super("Nothing was changed: you did not confirm");
    this.name = "NotConfirmed";
  }
}

/** The reason of the signal when the program was told to stop. */
export class Stopped extends Error {
  /** The exit code. */
  readonly exit: number;

  /**
   * @param exit The exit code.
   */
  constructor(exit: number = EXIT.stopped) {
    super("Stopped");
    this.name = "Stopped";
    this.exit = exit;
  }
}

/**
 * The error for a word that is not one of those that are known.
 *
 * @param what What it was to be: `command`.
 * @param word What was written.
 * @param known What could have been written.
 * @param advice What else may help.
 */
export function unknownWord(what: string, word: string, known: readonly string[], advice?: string): UsageError {
  const meant = nearest(word, known);
  const hint = meant === undefined ? `known: ${known.join(", ")}` : `did you mean ${show(meant)}?`;
  return new UsageError(`Unknown ${what} ${show(word)}: ${hint}`, advice);
}

/** An error as `--json` shows it. */
export interface FailureReport {
  /** A literal that programs can compare: the `code` of the error, `USAGE`, `NOT_CONFIRMED` or `DEFECT`. */
  readonly code: string;
  /** What happened. */
  readonly message: string;
  /** What stood in the way, as a `StoreError` or a `LogError` names it. */
  readonly reason?: string;
  /** What to do. */
  readonly hint?: string;
  /** The exit code. */
  readonly exit: number;
}

/** How the program shows an error. Never holds a secret. */
export function reportOf(error: unknown): FailureReport {
  if (error instanceof UsageError) {
    const { message, hint } = error;
    return { code: "USAGE", message, ...(hint === undefined ? {} : { hint }), exit: EXIT.usage };
  }
  if (error instanceof NotConfirmed) return { code: "NOT_CONFIRMED", message: error.message, exit: EXIT.no };
  if (error instanceof StoreError) {
    const { code, message, reason } = error;
    return { code, message, ...(reason === undefined ? {} : { reason }), exit: EXIT.store };
  }
  if (error instanceof NotFoundError) {
    const { code, message, id, known } = error;
    const meant = nearest(id, known);
    const hint = meant === undefined ? {} : { hint: `did you mean ${show(meant)}?` };
    return { code, message, ...hint, exit: EXIT.usage };
  }
  if (error instanceof RateSyncError) return { code: error.code, message: error.message, exit: EXIT.usage };
  if (error instanceof LogError) {
    const { code, message, reason } = error;
    return { code, message, reason, exit: EXIT.usage };
  }
  if (error instanceof RangeError) return { code: "USAGE", message: error.message, exit: EXIT.usage };
  const message = error instanceof Error ? error.stack ?? error.message : String(error);
  return { code: "DEFECT", message, hint: "please report this", exit: EXIT.defect };
}
