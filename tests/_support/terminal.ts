/**
 * A program in a real terminal: a pty, which Python's standard library makes.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { run } from "../../scripts/_process.ts";
import { installWithApt } from "../../scripts/_apt.ts";

/** Runs a command in a pty, passes on what it writes, and takes keys and sizes as lines of JSON. */
const DRIVER = `
import fcntl, json, os, pty, select, struct, sys, termios
rows, columns, *command = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
def resize(rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))
resize(rows, columns)
inputs, typed = [0, terminal], b""
while terminal in inputs:
    ready, _, _ = select.select(inputs, [], [])
    if terminal in ready:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            data = b""
        if data == b"":
            inputs.remove(terminal)
        os.write(1, data)
    if 0 in ready:
        data = os.read(0, 65536)
        if data == b"":
            inputs.remove(0)
        typed += data
        while b"\\n" in typed:
            line, typed = typed.split(b"\\n", 1)
            what = json.loads(line)
            if "keys" in what:
                os.write(terminal, what["keys"].encode())
            else:
                resize(*what["size"])
flags = termios.tcgetattr(terminal)[3]
sys.stderr.write("lines " if flags & termios.ICANON else "keys ")
sys.stderr.write("echo" if flags & termios.ECHO else "silent")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) % 256)
`;

/** How a program in a terminal has ended. */
export interface TerminalExit {
  /** The exit code. */
  readonly code: number | null;
  /** What the terminal was left as: `lines echo` is how it began. */
  readonly mode: string;
}

/** A terminal in which a program runs. Disposing it closes it, which ends the program. */
export interface Terminal extends AsyncDisposable {
  /** Everything the program has written. */
  readonly text: string;
  /** How it has ended. */
  readonly exited: Promise<TerminalExit>;
  /** Presses keys. */
  press(keys: string): void;
  /** Gives the terminal another size. */
  resize(rows: number, columns: number): void;
  /** Waits until what was written since a place in the text matches, and returns it. */
  until(pattern: RegExp, from?: number): Promise<string>;
}

/**
 * Starts a program in a terminal.
 *
 * @param command The program and its arguments.
 * @param size The size of the terminal.
 * @throws {Error} If there is no Python, and it cannot be installed.
 */
export async function openTerminal(
  command: readonly string[],
  size: { rows: number; columns: number },
): Promise<Terminal> {
  await obtainPython();
  const child = spawn("python3", ["-c", DRIVER, String(size.rows), String(size.columns), ...command], {
    env: { ...process.env, TERM: "xterm-256color" },
  });
  let text = "";
  let mode = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => text += part);
  child.stderr.setEncoding("utf8").on("data", (part: string) => mode += part);
  child.stdin.on("error", () => {});
  const exited = once(child, "close").then(([code]) => ({ code, mode }));
  exited.catch(() => {});
  const tell = (what: unknown) => child.stdin.write(`${JSON.stringify(what)}\n`);
  return {
    get text() {
      return text;
    },
    exited,
    press: (keys) => tell({ keys }),
    resize: (rows, columns) => tell({ size: [rows, columns] }),
    async until(pattern, from = 0) {
      for (const end = Date.now() + 30_000; Date.now() < end; await sleep(20)) {
        if (pattern.test(text.slice(from))) return text.slice(from);
        if (child.exitCode !== null) break;
      }
      throw new Error(`Cannot wait any longer for ${pattern}: ${JSON.stringify(text.slice(from))}`);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited.catch(() => {});
    },
  };
}

async function obtainPython(): Promise<void> {
  const isThere = async () => (await run("python3", ["--version"])).code === 0;
  if (await isThere()) return;
  const { problem } = await installWithApt("python3");
  if (!await isThere()) throw new Error(`Cannot open a terminal: there is no python3 on the PATH, and ${problem}`);
}
