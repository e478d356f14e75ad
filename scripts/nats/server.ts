/**
 * A nats-server of our own on a free loopback port, with JetStream in a temporary folder. It ends with this process.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

import { freePort } from "../_free_port.ts";
import { type ServerProcess, startServerProcess } from "../_server_process.ts";
import { TemporaryFolder } from "../_temporary.ts";
import { obtainNatsServer } from "./obtain.ts";

/** What a server is started with. */
export interface NatsServerOptions {
  /** Lines of its configuration file, beside those for port and JetStream. @default none */
  readonly config?: string;
  /** What stands in the `jetstream` block; undefined for a server without JetStream. @default {""} */
  readonly jetstream?: string | undefined;
  /** The port. @default a free one */
  readonly port?: number;
}

/** A server of one test. Disposing it kills it, and removes its files. */
export interface NatsServer extends ServerProcess, AsyncDisposable {
  /** Its port, which stays the same over restarts. */
  readonly port: number;
  /** Its URL, without credentials. */
  readonly url: string;
  /** Where its files are. */
  readonly folder: string;
}

/**
 * Starts a server.
 *
 * @throws {Error} If it ends or does not answer in time; the message holds what it printed.
 */
export async function startNats(options: NatsServerOptions = {}): Promise<NatsServer> {
  const { config = "", port = await freePort() } = options;
  const jetstream = "jetstream" in options ? options.jetstream : "";
  const program = await obtainNatsServer();
  const folder = new TemporaryFolder("nats");
  const file = join(folder.path, "server.conf");
  const store = jetstream === undefined
    ? ""
    : `jetstream {\n  store_dir: ${JSON.stringify(folder.path)}\n  ${jetstream}\n}\n`;
  writeFileSync(file, `host: 127.0.0.1\nport: ${port}\n${store}${config}\n`);

  const child = await startServerProcess({
    what: "nats-server",
    program,
    args: ["-c", file],
    port,
    isReady: () => greets(port),
  });
  const server: NatsServer = {
    ...child,
    get pid() {
      return child.pid;
    },
    port,
    url: `nats://127.0.0.1:${port}`,
    folder: folder.path,
    async [Symbol.asyncDispose]() {
      await child.kill();
      folder[Symbol.dispose]();
    },
  };
  return server;
}

/** Whether what listens on the loopback port greets as NATS does. */
async function greets(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1").setTimeout(1_000, () => socket.destroy());
  try {
    socket.on("error", () => {});
    for await (const chunk of socket) return String(chunk).startsWith("INFO");
    return false;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
