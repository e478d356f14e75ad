/**
 * A way to a real NATS server whose clock is set back or forward: the time stamps of messages are changed on their way to
 * readers, for all readers alike.
 *
 * @module
 */

import { connect } from "node:net";

import { type FakeServer, startServer } from "../redis/_servers.ts";

/** A server whose clock can be set. Disposing it leaves the server behind it alone. */
export interface MovedClock extends FakeServer {
  /** Sets the clock of the messages behind a sequence, so far ahead in seconds. */
  setAfter(sequence: number, aheadS: number): void;
}

/** `$JS.ACK.<stream>.<consumer>.<times>.<sequence>.<delivered>.<nanoseconds>.<pending>` */
const PLACE = /(\$JS\.ACK\.[^.\s]+\.[^.\s]+\.\d+\.(\d+)\.\d+\.)(\d{19})(?=\.)/g;

/** Starts a way to the server of a port. */
export async function startMovedClock(port: number): Promise<MovedClock> {
  const steps: { readonly sequence: number; readonly aheadS: number }[] = [];
  const aheadNs = (sequence: number) =>
    BigInt(Math.round((steps.findLast((step) => sequence > step.sequence)?.aheadS ?? 0) * 1e9));
  const moved = (text: string) =>
    text.replaceAll(PLACE, (_, before: string, sequence: string, ns: string) => {
      return `${before}${BigInt(ns) + aheadNs(Number(sequence))}`;
    });
  const server = await startServer((socket) => {
    const upstream = connect(port, "127.0.0.1");
    socket.on("data", (chunk) => upstream.write(chunk));
    let rest = "";
    upstream.on("data", (chunk: Buffer) => {
      // Each line and each message ends so; what is behind the last end waits for more.
      const text = rest + chunk.toString("latin1");
      const end = text.lastIndexOf("\r\n") + 2;
      rest = end === 1 ? text : text.slice(end);
      if (end > 1) socket.write(Buffer.from(moved(text.slice(0, end)), "latin1"));
    });
    upstream.on("error", () => socket.destroy());
    upstream.on("close", () => socket.destroy());
    socket.on("close", () => upstream.destroy());
  });
  const clock = { setAfter: (sequence: number, aheadS: number) => void steps.push({ sequence, aheadS }) };
  return Object.defineProperties(clock as MovedClock, Object.getOwnPropertyDescriptors(server));
}
