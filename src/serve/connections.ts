/**
 * The connections of a server: how many there are, and their end.
 *
 * @module
 */

import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

import type { Clock, Timer } from "../base/clock.ts";
import type { ServeSettings } from "./options.ts";

/** How long requests that are under way may take when the server ends, in milliseconds. */
const LAST_MS = 1_000;

/** How long a connection without a request stays open: longer than the 60 s of usual load balancers. */
export const IDLE_MS = 65_000;

/** What is known of a connection. */
interface Connection {
  /** How many requests are under way on it. */
  busy: number;
  /** Ends it, if no request has come completely by then. */
  timer: Timer | undefined;
  readonly isTooMany: boolean;
}

/** The connections of one server. */
export class Connections {
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #open = new Map<Socket, Connection>();

  /** Beyond `most`, the requests of a connection are refused. Beyond twice as many, the system closes it at once. */
  constructor(
    server: Server,
    { maxConnections, headTimeoutMs, clock }: Pick<ServeSettings, "maxConnections" | "headTimeoutMs" | "clock">,
  ) {
    this.#server = server;
    this.#clock = clock;
    server.maxConnections = 2 * maxConnections;
    server.on("connection", (socket: Socket) => {
      const isTooMany = this.#open.size >= maxConnections;
      this.#open.set(socket, { busy: 0, timer: this.#endLater(socket, headTimeoutMs), isTooMany });
      socket.once("close", () => {
        this.#open.get(socket)?.timer?.cancel();
        this.#open.delete(socket);
      });
    });
  }

  /** Whether there were as many as there may be when this connection was opened. */
  isTooMany(socket: Socket): boolean {
    return this.#open.get(socket)?.isTooMany ?? false;
  }

  /** A request is under way until its answer has ended. */
  began(socket: Socket, response: ServerResponse): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    connection.busy++;
    connection.timer?.cancel();
    connection.timer = undefined;
    response.once("close", () => {
      if (--connection.busy === 0 && this.#open.has(socket)) connection.timer = this.#endLater(socket, IDLE_MS);
    });
  }

  // The timeouts of the runtimes look at connections twice a minute, or not at all.
  #endLater(socket: Socket, ms: number): Timer {
    return this.#clock.schedule(this.#clock.nowUs() + ms * 1_000, () => socket.destroy(), { background: true });
  }

  /** Ends the server. Requests that are under way have a second to end, their connections end with them. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const [socket, { busy }] of this.#open) if (busy === 0) socket.destroy();
    this.#server.closeIdleConnections();
    const timer = this.#clock.schedule(this.#clock.nowUs() + LAST_MS * 1_000, () => this.#server.closeAllConnections());
    await closed;
    timer.cancel();
  }
}
