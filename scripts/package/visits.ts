/**
 * Servers of the packed package in processes of their own, and visits to them.
 *
 * @module
 */

import { spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";

/** A running server. */
export interface Server extends AsyncDisposable {
  /** Where it listens: `http://127.0.0.1:1234`. */
  readonly url: string;
}

/** How a server answered. */
export interface Answer {
  /** What was asked for. */
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Five of seven requests are let in. */
export const FIVE_OF_SEVEN = "200 200 200 200 200 429 429";

/**
 * Starts a server. It ends with this process.
 *
 * @param program The program.
 * @param args Its arguments.
 * @param options Its environment.
 * @param port Finds the port in a line that it prints.
 * @throws {Error} If it ends before it says where it listens; the message holds what it printed.
 */
export async function startServer(
  program: string,
  args: readonly string[],
  options: Pick<SpawnOptions, "cwd" | "env">,
  port: RegExp,
): Promise<Server> {
  const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  const ended = once(child, "close").catch(() => {}); // an error when it could not be started
  const stop = async () => {
    kill();
    await ended;
    process.off("exit", kill);
  };
  let printed = "";
  child.once("error", (error) => printed += error.message);
  child.stderr.setEncoding("utf8").on("data", (text: string) => printed += text);
  for await (const line of createInterface({ input: child.stdout })) {
    printed += `${line}\n`;
    const number = port.exec(line)?.[1];
    if (number !== undefined) return { url: `http://127.0.0.1:${number}`, [Symbol.asyncDispose]: stop };
  }
  await stop();
  throw new Error(`Cannot start ${program}:\n${printed}`);
}

/** Asks one after the other, as a client that a proxy names in a header. */
export async function visit(url: string, header: string, address: string, times: number): Promise<Answer[]> {
  const answers = [];
  for (let i = 0; i < times; i++) {
    const response = await fetch(url, { headers: { [header]: address } });
    answers.push({ url, status: response.status, headers: response.headers, text: await response.text() });
  }
  return answers;
}

/** The statuses of answers, with spaces between. */
export function statuses(answers: readonly Answer[]): string {
  return answers.map(({ status }) => status).join(" ");
}

/** A client address that nothing has used before. */
export function someone(): string {
  const part = () => crypto.randomUUID().slice(0, 4);
  return `2001:db8:${part()}:${part()}::1`;
}

/** A problem, unless something holds. */
export function unless(holds: boolean, problem: string): string[] {
  return holds ? [] : [problem];
}
