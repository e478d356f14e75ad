/**
 * The program `ratesync`, inside the process of a test.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Readable } from "node:stream";

import { main } from "../../src/cli/main.ts";

/** How the program is run. */
export interface RunOptions {
  /** The environment. @default an empty one */
  readonly env?: Readonly<Record<string, string>>;
  /** What is typed on a terminal; without it, standard input is no terminal. */
  readonly typed?: string | Readable;
  /** What standard input holds that is no terminal. @default nothing */
  readonly input?: string | Uint8Array;
  /** How wide the terminal is that standard output and standard error are; without it, they are none. */
  readonly columns?: number;
  /** Stops the program. */
  readonly signal?: AbortSignal;
}

/** How the program ended. */
export interface RunResult {
  /** The exit code. */
  readonly exit: number;
  /** Everything it wrote to standard output. */
  readonly stdout: string;
  /** Everything it wrote to standard error. */
  readonly stderr: string;
}

/** Runs `ratesync` with some words. */
export async function ratesync(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { env = {}, typed, input, columns, signal = new AbortController().signal } = options;
  const written = { stdout: "", stderr: "" };
  const output = (name: keyof typeof written) => ({
    write: (text: string) => written[name] += text,
    isTTY: columns !== undefined,
    columns,
    rows: 24,
  });
  const bytes = typed ?? input;
  const stream = bytes instanceof Readable ? bytes : Readable.from(bytes === undefined ? [] : [Buffer.from(bytes)]);
  const stdin = Object.assign(stream, { isTTY: typed !== undefined });
  const exit = await main(argv, { stdin, stdout: output("stdout"), stderr: output("stderr"), env, signal });
  return { exit, ...written };
}

/** Runs `ratesync --json`, which must print one JSON value and end with a code. */
export async function ratesyncJson(
  argv: readonly string[],
  exit: number,
  options: RunOptions = {},
  // deno-lint-ignore no-explicit-any -- tests look into it as they expect it to be
): Promise<any> {
  const result = await ratesync(["--json", ...argv], options);
  assert.equal(result.exit, exit, result.stdout + result.stderr);
  return JSON.parse(result.stdout);
}

/** Runs a command that serves, such as `serve`, with `--json`. Disposing it ends it, which must succeed. */
export async function serving(argv: readonly string[]): Promise<AsyncDisposable & { readonly url: string }> {
  const stop = new AbortController();
  let stdout = "";
  const ended = main(["--json", ...argv, "--port", "0"], {
    stdin: Object.assign(Readable.from([]), { isTTY: false }),
    stdout: { write: (text) => stdout += text },
    stderr: { write: (text) => assert.fail(text) },
    env: {},
    signal: stop.signal,
  });
  while (!stdout.includes("\n")) {
    const exit = await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 5))]);
    assert.equal(exit, undefined, stdout);
  }
  return {
    url: JSON.parse(stdout).url,
    async [Symbol.asyncDispose]() {
      stop.abort();
      assert.equal(await ended, 0);
    },
  };
}
