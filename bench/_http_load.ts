/**
 * Load for a server in another process: connections that are kept alive, one request on each at a time.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { extname } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import type { Contender } from "./_load.ts";

/** How many connections there are. */
const CONNECTIONS = 16;

const REQUEST = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

/** Every so manyth request is timed. */
const TIMED_EVERY = 17;

/** Starts a server and opens the connections. `args` say which: see `_http_server.ts`. */
export async function openServer(name: string, args: readonly string[]): Promise<Contender> {
  const child = spawn(process.execPath, [...runtimeArgs(), serverFile(), ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const readNumber = async () => Number((await lines.next()).value);
  const cpuUs = async () => {
    child.stdin.write("\n");
    return await readNumber();
  };
  const port = await readNumber();
  if (!(port > 0)) throw new Error(`${name} does not run here`);
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => Client.open(port)));
  return {
    name,
    least: CONNECTIONS,
    commands: [],
    async round(calls) {
      let left = calls;
      const latenciesUs: number[] = [];
      const before = await cpuUs();
      const startMs = performance.now();
      await Promise.all(clients.map(async (client) => {
        while (left-- > 0) {
          const askMs = performance.now();
          await client.ask();
          if (left % TIMED_EVERY === 0) latenciesUs.push((performance.now() - askMs) * 1_000);
        }
      }));
      const ms = performance.now() - startMs;
      return { calls, ms, ownUs: await cpuUs() - before, latenciesUs };
    },
    close() {
      for (const client of clients) client.close();
      child.kill("SIGKILL");
      return Promise.resolve();
    },
  };
}

/** What is said in one chunk, as some servers do. */
const CHUNKED = "5\r\nhello\r\n0\r\n\r\n";

/** One connection. */
class Client {
  readonly #socket: Socket;
  #answer = "";
  #done: ((error?: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1").setNoDelay(true);
    socket.on("data", (text: string) => this.#read(text));
    socket.on("close", () => this.#done?.(new Error("Cannot ask: the server has closed the connection")));
    socket.on("error", () => {}); // followed by close
  }

  static async open(port: number): Promise<Client> {
    const socket = connect(port, "127.0.0.1");
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new Client(socket);
  }

  ask(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#done = (error) => error === undefined ? resolve() : reject(error);
      if (this.#socket.destroyed) reject(new Error("Cannot ask: the server has closed the connection"));
      else this.#socket.write(REQUEST);
    });
  }

  close(): void {
    this.#done = undefined;
    this.#socket.destroy();
  }

  #read(text: string): void {
    this.#answer += text;
    const end = this.#answer.indexOf("\r\n\r\n");
    if (end === -1) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(this.#answer)?.[1];
    const isWhole = length === undefined
      ? this.#answer.endsWith("\r\n0\r\n\r\n")
      : this.#answer.length >= end + 4 + Number(length);
    if (!isWhole) return;
    const body = this.#answer.slice(end + 4);
    const isRight = this.#answer.startsWith("HTTP/1.1 200") && (body === "hello" || body === CHUNKED);
    const problem = isRight ? undefined : new Error(`Cannot count this answer: ${this.#answer}`);
    this.#answer = "";
    this.#done?.(problem);
  }
}

function serverFile(): string {
  return fileURLToPath(new URL(`./_http_server${extname(import.meta.url)}`, import.meta.url));
}

function runtimeArgs(): string[] {
  return "deno" in process.versions ? ["run", "--allow-all", "--no-check"] : [];
}
