/**
 * From stored bytes to those of a text: gzip is unpacked, and what is no text is refused.
 *
 * @module
 */

import { joinBytes } from "../../base/join_bytes.ts";
import { nodeModule } from "../../base/node_module.ts";
import { LogError } from "../log_error.ts";
import type { LogSource } from "./source.ts";

/** Other ways to compress, by their first bytes, and what unpacks them. */
const PACKED: readonly (readonly [bytes: readonly number[], name: string, command: string])[] = [
  [[0x28, 0xb5, 0x2f, 0xfd], "Zstandard", "zstdcat"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "xz", "xzcat"],
  [[0x42, 0x5a, 0x68], "bzip2", "bzcat"],
  [[0x50, 0x4b, 0x03, 0x04], "zip", "unzip -p"],
];

/** A text may begin with so many NULs, however short it is. */
const MOST_NULS = 8;

/** How many bytes at the beginning must be there before a source is judged. */
const HEAD_BYTES = 6;

/**
 * The bytes of the text of a source.
 *
 * @throws {LogError} If it is empty, binary, compressed in another way than gzip, or truncated.
 */
export async function* textBytes(source: LogSource): AsyncIterable<Uint8Array> {
  const { name: file } = source;
  const chunks = source.bytes[Symbol.asyncIterator]();
  try {
    const head = await firstChunk(chunks);
    if (head === undefined) throw new LogError("empty", "it is empty", { file });
    const packed = PACKED.find(([bytes]) => bytes.every((byte, i) => head[i] === byte));
    if (packed !== undefined) {
      const [, way, command] = packed;
      const what = `it is compressed by ${way}: unpack it, as in ${command} FILE | ratesync simulate -`;
      throw new LogError("compressed", what, { file });
    }
    const stored = rest(head, chunks);
    const isGzip = head[0] === 0x1f && head[1] === 0x8b;
    yield* checked(isGzip ? unpacked(stored, file) : stored, file);
  } finally {
    // Also where the log is refused before its end: a file is closed then.
    await chunks.return?.();
  }
}

async function firstChunk(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  let head: Uint8Array | undefined;
  while (head === undefined || head.length < HEAD_BYTES) {
    const next = await chunks.next();
    if (next.done) return head;
    head = head === undefined || head.length === 0 ? next.value : joinBytes([head, next.value]);
  }
  return head;
}

async function* rest(head: Uint8Array, chunks: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  yield head;
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
}

/** Refuses a text that begins with bytes of something else. */
async function* checked(bytes: AsyncIterable<Uint8Array>, file: string): AsyncIterable<Uint8Array> {
  let isFirst = true;
  for await (const chunk of bytes) {
    if (isFirst && isBinary(chunk)) {
      const isUtf16 = (chunk[0] === 0xff && chunk[1] === 0xfe) || (chunk[0] === 0xfe && chunk[1] === 0xff);
      const what = isUtf16
        ? "it is UTF-16: write it as UTF-8"
        : "it is binary: its first bytes have many NULs, which no log has. A log that was truncated while a program went on " +
          "writing begins with them: remove them with tr -d '\\0'";
      throw new LogError("binary", what, { file });
    }
    if (chunk.length > 0) isFirst = false;
    yield chunk;
  }
  if (isFirst) throw new LogError("empty", "there is nothing in it", { file });
}

/** Unpacks gzip, also several files one after the other. */
async function* unpacked(bytes: AsyncIterable<Uint8Array>, file: string): AsyncIterable<Uint8Array> {
  const [{ createGunzip }, { Readable }] = await Promise.all([
    nodeModule("node:zlib", () => import("node:zlib")),
    nodeModule("node:stream", () => import("node:stream")),
  ]);
  const from = Readable.from(bytes, { objectMode: false });
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  let failed: unknown;
  from.on("error", (error) => {
    failed = error;
    gunzip.destroy(error);
  });
  try {
    for await (const chunk of from.pipe(gunzip)) yield chunk as Uint8Array;
  } catch (error) {
    if (failed !== undefined) throw failed;
    const { code, message } = Object(error) as { readonly code?: unknown; readonly message?: unknown };
    const isCut = code === "Z_BUF_ERROR" || /unexpected end/i.test(String(message));
    const what = isCut
      ? "its compressed data ends too early: it was not copied as a whole"
      : "its gzip data is damaged";
    throw new LogError("truncated", what, { file, cause: error });
  } finally {
    from.destroy();
    gunzip.destroy();
  }
}

/** Binary data has NULs all over; a few may be what a client has sent. */
function isBinary(chunk: Uint8Array): boolean {
  let nuls = 0;
  for (const byte of chunk) if (byte === 0) nuls++;
  return nuls > Math.max(MOST_NULS, chunk.length / 1_000);
}
