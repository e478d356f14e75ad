/**
 * Where logs come from: files and streams of bytes.
 *
 * @module
 */

import { nodeModule } from "../../base/node_module.ts";
import { LogError } from "../log_error.ts";

/** A log. */
export interface LogSource {
  /** What messages and reports call it: the path of a file. */
  readonly name: string;
  /** Its size in bytes; undefined where that is not known before. */
  readonly size?: number | undefined;
  /** Its bytes, as they are stored. Read once. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** How much of a file is read at once, in bytes. */
const READ_BYTES = 256 * 1024;

/**
 * A file, which is open only while it is read: of several logs, another one may not be readable.
 *
 * @param path The file, relative to the working directory.
 * @throws {LogError} If it cannot be read.
 */
export async function fileSource(path: string): Promise<LogSource> {
  const { access, constants, open, stat } = await nodeModule("node:fs/promises", () => import("node:fs/promises"));
  try {
    await access(path, constants.R_OK);
    const found = await stat(path);
    if (found.isDirectory()) throw new LogError("unreadable", REASONS["EISDIR"] as string, { file: path });
    return { name: path, size: found.isFile() ? found.size : undefined, bytes: bytesOf(path, () => open(path, "r")) };
  } catch (error) {
    throw error instanceof LogError ? error : unreadable(path, error);
  }
}

/** An open file. */
interface OpenFile {
  read(buffer: Uint8Array): Promise<{ bytesRead: number }>;
  close(): Promise<void>;
}

async function* bytesOf(path: string, open: () => Promise<OpenFile>): AsyncIterable<Uint8Array> {
  let file: OpenFile | undefined;
  try {
    file = await open();
    while (true) {
      const buffer = new Uint8Array(READ_BYTES);
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    await file?.close();
  }
}

function unreadable(file: string, error: unknown): LogError {
  const { code } = Object(error) as { readonly code?: unknown };
  const reason = typeof code === "string" ? REASONS[code] ?? code : String(Object(error).message ?? error);
  return new LogError("unreadable", reason, { file, cause: error });
}

/** What the codes of the system mean. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "this user may not read it",
  EPERM: "this user may not read it",
  EISDIR: "it is a directory: name the files in it",
};
