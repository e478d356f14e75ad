/**
 * The body of a request of `node:http`, read for a key without taking it from the handler.
 *
 * @module
 */

import { joinBytes } from "../base/join_bytes.ts";

/** What is used of an `IncomingMessage`, and of what body parsers add. */
interface IncomingBody {
  readonly body?: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly readable?: boolean;
  readonly readableEnded?: boolean;
  readonly readableFlowing?: boolean | null;
  read(): Uint8Array | null;
  unshift(chunk: Uint8Array): void;
  on(event: string, listener: () => void): void;
  off(event: string, listener: () => void): void;
}

/**
 * What a parser has left in `body`; else the bytes, which are put back in front of what the handler reads. A body whose
 * length is not announced is left alone: its end could not be put back.
 */
export function readNodeBody(raw: object, maxBytes: number): unknown {
  const request = raw as IncomingBody;
  if (request.body !== undefined && request.body !== null) return request.body;
  const length = Number(request.headers["content-length"]);
  if (!(length > 0 && length <= maxBytes)) return undefined;
  if (request.readable !== true || request.readableEnded || request.readableFlowing) return undefined; // another reader has begun
  return new Promise<Uint8Array | undefined>((resolve) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    const done = () => {
      request.off("readable", read);
      for (const event of ENDS) request.off(event, done);
      const bytes = joinBytes(chunks);
      if (size > 0 && request.readable) request.unshift(toBuffer(bytes));
      resolve(size === length ? bytes : undefined);
    };
    const read = () => {
      for (let chunk = request.read(); chunk !== null; chunk = request.read()) {
        chunks.push(chunk);
        size += chunk.byteLength;
        if (size >= length) return done();
      }
    };
    request.on("readable", read);
    for (const event of ENDS) request.on(event, done);
  });
}

/** After these, no more of a body comes. */
const ENDS = ["close", "error", "end"] as const;

/** Streams take buffers, where the runtime has them. */
function toBuffer(bytes: Uint8Array): Uint8Array {
  const { Buffer } = globalThis as { Buffer?: { from(bytes: ArrayBufferLike): Uint8Array } };
  return Buffer === undefined ? bytes : Buffer.from(bytes.buffer);
}
