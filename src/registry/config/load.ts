/**
 * Reading a configuration: all of it is right, or nothing of it counts.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { show } from "../../base/text.ts";
import type { RateSyncConfig } from "../options.ts";
import { type EnvReader, readEnvOrThrow } from "./environment.ts";
import { expandDocument } from "./expand.ts";
import { filesBeside, readTextFile, UnreadableFile } from "./files.ts";
import { type ConfigParser, parseDocument } from "./parse.ts";
import { type ConfigChecks, readDocument } from "./schema.ts";

/** How a configuration file is read. */
export interface LoadConfigOptions {
  /** Turns the text into tables: for YAML, JSON and others. @default TOML 1.0 */
  readonly parse?: ConfigParser;
  /** Reads the environment variables that the file names. @default the environment of the process */
  readonly env?: EnvReader;
}

/** How a configuration file is read, and who else checks what is in it. */
export interface CheckedLoadOptions extends LoadConfigOptions, ConfigChecks {}

/** How a configuration's text is read. */
export interface ParseConfigOptions extends CheckedLoadOptions {
  /** What errors call the file. Files that it names are relative to its folder. */
  readonly file?: string;
}

/**
 * Reads a configuration from text.
 *
 * @param text TOML, or what `parse` takes.
 * @param options The parser, the environment, and who else checks the options.
 * @returns The configuration, complete; nothing has been applied.
 * @throws {ConfigError} If anything in it is wrong: the first thing that is.
 */
export async function parseConfig(
  text: string,
  options: ParseConfigOptions = {},
): Promise<RateSyncConfig> {
  const { file, parse, env = readEnvOrThrow, ...checks } = options;
  try {
    const document = await parseDocument(text, parse);
    return await readDocument(expandDocument(document, env), filesBeside(file), checks);
  } catch (error) {
    throw error instanceof ConfigError && file !== undefined ? inFile(error, file) : error;
  }
}

/**
 * Reads a configuration file.
 *
 * @param path The file, relative to the working directory; UTF-8.
 * @param options The parser, the environment, and who else checks the options.
 * @returns The configuration, complete; nothing has been applied.
 * @throws {ConfigError} If the file cannot be read, or anything in it is wrong.
 */
export async function loadConfigFile(
  path: string,
  options: CheckedLoadOptions = {},
): Promise<RateSyncConfig> {
  if (typeof path !== "string") throw new ConfigError({ path: "path", expected: "a path", received: show(path) });
  return await parseConfig(await readText(path), { ...options, file: path });
}

async function readText(path: string): Promise<string> {
  try {
    return await readTextFile(path);
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    throw new ConfigError({
      file: path,
      path: "configuration",
      expected: "a text file in UTF-8",
      received: error.reason,
    });
  }
}

function inFile(error: ConfigError, file: string): ConfigError {
  const { path, expected, received } = error;
  return new ConfigError({ file, path, expected, received });
}
