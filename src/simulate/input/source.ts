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
 * Opens a file.
 *
 * @param path The file, relative to the working directory.
 * @throws {LogError} If it cannot be read.
 */
export async function fileSource(path: string): Promise<LogSource> {
  const { open } = await nodeModule("node:fs/promises", () => import("node:fs/promises"));
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, "r");
  } catch (error) {
    throw unreadable(path, error);
  }
  const { size, isDirectory } = await file.stat().then((stat) => ({
    size: stat.isFile() ? stat.size : undefined,
    isDirectory: stat.isDirectory(),
  }));
  if (isDirectory) {
    await file.close();
    throw new LogError("unreadable", "it is a directory: name the files in it", { file: path });
  }
  return { name: path, size, bytes: bytesOf(path, file) };
}

async function* bytesOf(
  path: string,
  file: { read(buffer: Uint8Array): Promise<{ bytesRead: number }>; close(): Promise<void> },
): AsyncIterable<Uint8Array> {
  try {
    while (true) {
      const buffer = new Uint8Array(READ_BYTES);
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    await file.close();
  }
}

function unreadable(file: string, error: unknown): LogError {
  const { code } = Object(error) as { readonly code?: unknown };
  const reason = typeof code === "string" ? REASONS[code] ?? code : String(Object(error).message ?? error);
  return new LogError("unreadable", reason, { file, cause: error });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "this user may not read it",
  EPERM: "this user may not read it",
  EISDIR: "it is a directory: name the files in it",
};
