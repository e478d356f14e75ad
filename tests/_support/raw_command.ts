/**
 * One command over a connection of its own, without a driver: a test that waits for a state of its servers sends thousands.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect } from "node:net";

/**
 * Sends a command to the Redis on a loopback port and returns the reply as RESP2 has it: text, a number, `null`, or a list.
 *
 * @throws {Error} If the server answers with an error, which is then the message, or ends the connection.
 */
export async function sendCommand(port: number, command: readonly string[]): Promise<unknown> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.on("error", () => {}); // the loop below throws it
  try {
    await once(socket, "connect");
    const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
    socket.write(`*${parts.length}\r\n${parts.join("")}`);
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer]);
      const reply = readReply(received, 0);
      if (reply === undefined) continue;
      if (reply.value instanceof Error) throw reply.value;
      return reply.value;
    }
    throw new Error(`Cannot run ${command[0]}: the server on port ${port} ended the connection`);
  } finally {
    socket.destroy();
  }
}

/** A reply that is complete, and where it ends. Errors are values, because lists may hold them. */
interface Reply {
  readonly value: unknown;
  readonly end: number;
}

function readReply(bytes: Buffer, start: number): Reply | undefined {
  const lineEnd = bytes.indexOf("\r\n", start);
  if (lineEnd < 0) return undefined;
  const line = bytes.toString("utf8", start + 1, lineEnd);
  const end = lineEnd + 2;
  switch (String.fromCharCode(bytes[start] as number)) {
    case "+":
      return { value: line, end };
    case "-":
      return { value: new Error(line), end };
    case ":":
      return { value: Number(line), end };
    case "$":
      return readText(bytes, end, Number(line));
    case "*":
      return readList(bytes, end, Number(line));
    default:
      throw new Error(`Cannot read a reply that begins with ${JSON.stringify(line)}`);
  }
}

function readText(bytes: Buffer, start: number, length: number): Reply | undefined {
  if (length < 0) return { value: null, end: start };
  const end = start + length + 2;
  return bytes.length < end ? undefined : { value: bytes.toString("utf8", start, start + length), end };
}

function readList(bytes: Buffer, start: number, length: number): Reply | undefined {
  const items: unknown[] = [];
  let end = start;
  for (let i = 0; i < length; i++) {
    const item = readReply(bytes, end);
    if (item === undefined) return undefined;
    items.push(item.value);
    end = item.end;
  }
  return { value: length < 0 ? null : items, end };
}
