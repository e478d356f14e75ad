/**
 * The connections of a server: how many there are, and their end.
 *
 * @module
 */

import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

import type { Clock } from "../base/clock.ts";

/** How long requests that are under way may take when the server ends, in milliseconds. */
const LAST_MS = 1_000;

/** The connections of one server. */
export class Connections {
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #open = new Set<Socket>();
  /** How many requests are under way on a connection. */
  readonly #busy = new Map<Socket, number>();
  readonly #tooMany = new WeakSet<Socket>();

  /** Beyond `most`, the requests of a connection are refused. Beyond twice as many, the system closes it at once. */
  constructor(server: Server, most: number, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
    server.maxConnections = 2 * most;
    server.on("connection", (socket: Socket) => {
      if (this.#open.size >= most) this.#tooMany.add(socket);
      this.#open.add(socket);
      socket.once("close", () => this.#open.delete(socket));
    });
  }

  /** Whether there were as many as there may be when this connection was opened. */
  isTooMany(socket: Socket): boolean {
    return this.#tooMany.has(socket);
  }

  /** A request is under way until its answer has ended. */
  began(socket: Socket, response: ServerResponse): void {
    this.#busy.set(socket, (this.#busy.get(socket) ?? 0) + 1);
    response.once("close", () => {
      const left = (this.#busy.get(socket) ?? 1) - 1;
      if (left > 0) this.#busy.set(socket, left);
      else this.#busy.delete(socket);
    });
  }

  /** Ends the server. Requests that are under way have a second to end, their connections end with them. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#open) if (!this.#busy.has(socket)) socket.destroy();
    this.#server.closeIdleConnections();
    const timer = this.#clock.schedule(this.#clock.nowUs() + LAST_MS * 1_000, () => this.#server.closeAllConnections());
    await closed;
    timer.cancel();
  }
}
