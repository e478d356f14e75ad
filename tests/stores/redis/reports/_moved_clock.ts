/**
 * A way to a real Redis on which scripts see a clock that is set back or forward.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { connect } from "node:net";

import { type FakeServer, startServer } from "../_servers.ts";

/** A server whose clock can be set. Disposing it leaves the server behind it alone. */
export interface MovedClock extends FakeServer {
  /** How far the clock is ahead, in seconds. */
  aheadS: number;
}

/** The commands that are complete in `bytes`, each as its words, and what is left over. */
function readCommands(bytes: Buffer): { commands: Buffer[][]; rest: Buffer } {
  const commands: Buffer[][] = [];
  let at = 0;
  for (;;) {
    let cursor = at;
    const line = (): string | undefined => {
      const end = bytes.indexOf("\r\n", cursor);
      if (end === -1) return undefined;
      const text = bytes.toString("latin1", cursor, end);
      cursor = end + 2;
      return text;
    };
    const count = line();
    if (count === undefined) break;
    const words: Buffer[] = [];
    for (let i = 0; i < Number(count.slice(1)); i++) {
      const size = line();
      if (size === undefined) break;
      const end = cursor + Number(size.slice(1));
      if (bytes.length < end + 2) break;
      words.push(bytes.subarray(cursor, end));
      cursor = end + 2;
    }
    if (words.length < Number(count.slice(1))) break;
    commands.push(words);
    at = cursor;
  }
  return { commands, rest: bytes.subarray(at) };
}

function encode(words: readonly (Buffer | string)[]): Buffer {
  const parts = words.flatMap((word) => {
    const bytes = Buffer.from(word);
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")];
  });
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}

/** Starts a way to the Redis of a port. Each script reads the time as the clock is set when it is sent. */
export async function startMovedClock(port: number): Promise<MovedClock> {
  const sources = new Map<string, string>();
  const moved = (source: string) =>
    source.replaceAll(/local (?<time>\w+)=(redis\.)?call\("TIME"\)/g, (text, time: string) => {
      return `${text} ${time}[1]=string.format("%d",${time}[1]+${clock.aheadS})`;
    });
  const translate = (words: Buffer[]): readonly (Buffer | string)[] => {
    const [name = "", script = "", ...rest] = words.map((word) => word.toString("latin1"));
    if (!/^EVAL(SHA)?$/i.test(name)) return words;
    const source = /SHA/i.test(name) ? sources.get(script.toLowerCase()) : script;
    if (source === undefined) return words; // the server does not know it either
    sources.set(createHash("sha1").update(source, "latin1").digest("hex"), source);
    return ["EVAL", Buffer.from(moved(source), "latin1"), ...rest.map((word) => Buffer.from(word, "latin1"))];
  };
  const server = await startServer((socket) => {
    const upstream = connect(port, "127.0.0.1");
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      const read = readCommands(Buffer.concat([rest, chunk]));
      rest = read.rest;
      for (const words of read.commands) upstream.write(encode(translate(words)));
    });
    upstream.on("data", (chunk) => socket.write(chunk));
    upstream.on("error", () => socket.destroy());
    upstream.on("close", () => socket.destroy());
    socket.on("close", () => upstream.destroy());
  });
  const clock: MovedClock = Object.defineProperties(
    { aheadS: 0 } as MovedClock,
    Object.getOwnPropertyDescriptors(server),
  );
  return clock;
}
