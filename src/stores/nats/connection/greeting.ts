/**
 * A look at what answers at an address, before the client connects to it. A server of NATS speaks first. The client cannot
 * give up a connection on which it hears nothing: that would keep the process alive for ever.
 *
 * @module
 */

import type { Socket } from "node:net";

import { startTimer } from "../../../base/deadline.ts";
import { nodeModule } from "../../../base/node_module.ts";

/** With what a server introduces itself. */
const GREETING = "INFO ";

/** What listens there has not said what a server of NATS says. */
export class GreetingError extends Error {
  /** What it may be. */
  readonly reason: "not_nats" | "connect_timeout" | "disconnected";

  constructor(reason: GreetingError["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Resolves when a server has introduced itself. The process may end meanwhile.
 *
 * @param server Where, as `host:port`.
 * @param timeoutMs How long that may take, in milliseconds.
 * @throws {GreetingError | Error} If something else answers, or nothing; or what the socket reports.
 */
export async function hearGreeting(server: string, timeoutMs: number): Promise<void> {
  const { connect } = await nodeModule("node:net", () => import("node:net"));
  const [, host = "", port = ""] = /^\[?(.*?)\]?:(\d+)$/.exec(server) ?? [];
  const socket = connect({ host, port: Number(port) });
  try {
    await greetingOf(socket, timeoutMs);
  } finally {
    socket.destroy();
  }
}

function greetingOf(socket: Socket, timeoutMs: number): Promise<void> {
  let text = "";
  let isAccepted = false;
  return new Promise<void>((resolve, reject) => {
    const timer = startTimer(timeoutMs, () => {
      const what = isAccepted ? "; the connection was accepted, so the server hangs, or is not NATS" : "";
      socket.destroy(new GreetingError("connect_timeout", what));
    });
    socket.unref();
    socket.on("connect", () => isAccepted = true);
    socket.on("data", (bytes: Uint8Array) => {
      text += String.fromCharCode(...bytes.subarray(0, GREETING.length));
      if (text.length < GREETING.length) return;
      if (text.startsWith(GREETING)) resolve();
      else socket.destroy(new GreetingError("not_nats", "what answers there does not speak the protocol of NATS"));
    });
    socket.on("error", reject);
    socket.on("close", () => {
      timer.cancel();
      reject(new GreetingError("disconnected", "the server closed the connection before it said anything"));
    });
  });
}
