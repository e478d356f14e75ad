/**
 * Files of configuration: the file itself, and those that it names.
 *
 * @module
 */

import { nodeModule } from "../../base/node_module.ts";
import { reasonOf } from "./find.ts";

/** Gives the text of a file that the configuration names, and throws an `UnreadableFile` if it cannot. */
export type FileReader = (path: string) => Promise<string>;

/** A file that cannot be read. */
export class UnreadableFile extends Error {
  /** What is there instead of it, in words. */
  readonly reason: string;

  /**
   * @param reason What is there instead of the file, in words.
   */
  constructor(reason: string) {
    super(`Cannot read a file: ${reason}`);
    this.reason = reason;
  }
}

/**
 * Reads a text.
 *
 * @param path The file, relative to the working directory.
 * @returns Its text.
 * @throws {UnreadableFile} If it cannot be read, or is no text in UTF-8.
 */
export async function readTextFile(path: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    const { readFile } = await nodeModule("node:fs/promises", () => import("node:fs/promises"));
    bytes = await readFile(path);
  } catch (error) {
    const reason = reasonOf(error);
    throw new UnreadableFile(REASONS[reason] ?? `an error: ${reason}`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UnreadableFile("bytes that are no UTF-8");
  }
}

/**
 * Makes the reader of the files that a configuration names.
 *
 * @param file Where the configuration is: paths are relative to its folder. Without it, to the working directory.
 */
export function filesBeside(file: string | undefined): FileReader {
  return async (path) => {
    if (file === undefined) return await readTextFile(path);
    const { dirname, resolve } = await nodeModule("node:path", () => import("node:path"));
    return await readTextFile(resolve(dirname(file), path));
  };
}

/** What the usual reasons mean. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  ENOTDIR: "no such file",
  EISDIR: "a directory",
  EACCES: "a file that may not be read",
  EPERM: "a file that may not be read",
  NotCapable: "a file that may not be read (Deno: --allow-read)",
};
