/**
 * The program `ratesync`: finds the command, runs it, and tells what came of it.
 *
 * @module
 */

import { sleepUntil, systemClock } from "../base/clock.ts";
import { onAbort } from "../base/abort.ts";
import type { Command, Outcome } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { EXIT } from "./exit.ts";
import { reportOf, Stopped, UsageError } from "./failure.ts";
import { COMMON_OPTIONS, hasFlag, parseArguments, type Parsed, parseOptions, placeOfCommand } from "./parse.ts";
import { Session } from "./session.ts";
import type { Surroundings } from "./surroundings.ts";
import { helpOf, helpOfProgram, rowOf } from "./usage.ts";
import { VERSION } from "../base/version.ts";

/** How long a command that was stopped may take to put a terminal in order, and stores to close, in microseconds. */
const STOP_US = 100_000;

/**
 * Runs the program.
 *
 * @param argv The words behind the program's name.
 * @param io Input, output and environment. When its signal is aborted, the program ends.
 * @returns The exit code. Never rejects.
 */
export async function main(argv: readonly string[], io: Surroundings): Promise<number> {
  let session = new Session(io, COMMANDS, {
    json: hasFlag(argv, "json"),
    yes: false,
    noColour: hasFlag(argv, "no-color"),
    store: undefined,
    configFile: undefined,
  });
  try {
    const call = await readCall(argv);
    session = sessionOf(call.parsed, io);
    const answer = answerTo(call, session);
    const outcome = await (call.command?.endsItself ? answer : untilStopped(io.signal, answer));
    session.answer(outcome);
    return outcome.exit ?? EXIT.done;
  } catch (error) {
    if (error instanceof Stopped) return error.exit;
    const report = reportOf(error);
    session.fail(report);
    return report.exit;
  } finally {
    const closed = session.close();
    if (io.signal.aborted) await Promise.race([closed, lapse(STOP_US)]);
    else await closed;
  }
}

/** What the command line asks for. */
interface Call {
  /** The name of the command, if there is one. */
  readonly name: string | undefined;
  readonly command: Command | undefined;
  readonly parsed: Parsed;
}

async function readCall(argv: readonly string[]): Promise<Call> {
  const place = placeOfCommand(argv);
  const name = argv[place];
  if (name === undefined) {
    return { name, command: undefined, parsed: parseOptions(argv, COMMON_OPTIONS) };
  }
  const row = rowOf(COMMANDS, name);
  const { command } = await row.load();
  return { name, command, parsed: parseOptions(argv.toSpliced(place, 1), { ...command.options, ...COMMON_OPTIONS }) };
}

function sessionOf({ options }: Parsed, io: Surroundings): Session {
  return new Session(io, COMMANDS, {
    json: options["json"] === true,
    yes: options["yes"] === true,
    noColour: options["no-color"] === true,
    store: options["store"] as string | undefined,
    configFile: options["config"] as string | undefined,
  });
}

async function answerTo({ name, command, parsed }: Call, session: Session): Promise<Outcome> {
  const { options, positionals } = parsed;
  if (options["version"]) return { json: { version: VERSION }, text: VERSION };
  if (name === undefined || command === undefined) {
    if (!options["help"]) throw new UsageError("Missing command", "ratesync help lists the commands");
    return helpOfProgram(COMMANDS, session);
  }
  if (options["help"]) return await helpOf(name, rowOf(COMMANDS, name), session);
  return await command.run(session, { ...options, ...parseArguments(positionals, command.arguments) });
}

/** The outcome of a command, or the reason of the signal; a command that was stopped may clean up for a moment. */
async function untilStopped(signal: AbortSignal, running: Promise<Outcome>): Promise<Outcome> {
  if (signal.aborted) throw signal.reason;
  let forget = () => {};
  const stopped = new Promise<never>((_, reject) => {
    forget = onAbort(signal, () => {
      const end = () => reject(signal.reason);
      Promise.race([running, lapse(STOP_US)]).then(end, end);
    });
  });
  try {
    return await Promise.race([running, stopped]);
  } finally {
    forget();
  }
}

function lapse(us: number): Promise<void> {
  return sleepUntil(systemClock, systemClock.nowUs() + us);
}
