/**
 * A program that is invoked as a function platform invokes one: it answers a line with a line, and is frozen in between.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface, type Interface } from "node:readline";

/** How long one invocation may take, in milliseconds. */
const LIMIT_MS = 30_000;

/** A running program. It ends with this process. */
export class Invocable implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #kill = (): void => void this.#child.kill("SIGKILL");
  #errors = "";

  /**
   * Starts it.
   *
   * @param command The program and its arguments.
   * @param env Its environment.
   */
  constructor([program = "", ...args]: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(program, args, { env, stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => this.#errors += text);
    this.#lines = createInterface({ input: this.#child.stdout as NonNullable<ChildProcess["stdout"]> });
    process.once("exit", this.#kill);
  }

  /** What it wrote to standard error. */
  get errors(): string {
    return this.#errors;
  }

  /** Sends it a line. Resolves to the line that it answers, or to what became of it. */
  async invoke(): Promise<string> {
    const signal = AbortSignal.timeout(LIMIT_MS);
    const answered = once(this.#lines, "line", { signal }).then(([line]) => String(line), () => "nothing in time");
    const ended = once(this.#child, "exit", { signal }).then(() => "nothing: it has ended", () => "nothing in time");
    this.#child.stdin?.write("invoke\n");
    return await Promise.race([answered, ended]);
  }

  /** Stops it in the middle of whatever it does. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  /** Lets it go on. */
  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#child.exitCode === null ? once(this.#child, "exit") : undefined;
    this.#kill();
    await ended;
    process.off("exit", this.#kill);
  }
}
