/**
 * Where the configuration file is.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { nodeModule } from "../../base/node_module.ts";
import { show } from "../../base/text.ts";
import { type EnvReader, readEnv } from "./environment.ts";

/** The variable that names the file. */
const VARIABLE = "RATE_SYNC_CONFIG";

/** Where a file is looked for when none is named, relative to the working directory. */
const USUAL_PLACES: readonly string[] = ["./rate-sync.toml", "./config/rate-sync.toml"];

/** The same in words. */
export const CONFIG_PLACES: string = `${VARIABLE} in the environment, ${USUAL_PLACES.join(" or ")}`;

/** What this module needs of `node:fs/promises`. */
type FileSystem = Pick<typeof import("node:fs/promises"), "access" | "stat">;

/**
 * Looks for the configuration file: the one that `RATE_SYNC_CONFIG` names, `./rate-sync.toml`, then
 * `./config/rate-sync.toml`. A variable that is empty counts as not set.
 *
 * @param env Reads the environment. @default that of the process
 * @returns The path; `undefined` if there is none, or where there is no file system or no permission to look.
 * @throws {ConfigError} If `RATE_SYNC_CONFIG` names something that cannot be read.
 */
export async function findConfigFile(env: EnvReader = readEnv): Promise<string | undefined> {
  const fileSystem = await openFileSystem();
  const wish = env(VARIABLE);
  if (wish !== undefined && wish !== "") {
    await checkReadable(wish, fileSystem);
    return wish;
  }
  for (const place of USUAL_PLACES) {
    if (fileSystem !== undefined && await exists(place, fileSystem)) return place;
  }
  return undefined;
}

/**
 * The same where there has to be one.
 *
 * @throws {ConfigError} If there is none.
 */
export async function findOrFail(): Promise<string> {
  const path = await findConfigFile();
  if (path !== undefined) return path;
  throw new ConfigError({ path: "rate-sync.toml", expected: CONFIG_PLACES, received: "none of them" });
}

async function openFileSystem(): Promise<FileSystem | undefined> {
  try {
    return await nodeModule("node:fs/promises", () => import("node:fs/promises"));
  } catch {
    return undefined;
  }
}

async function checkReadable(path: string, fileSystem: FileSystem | undefined): Promise<void> {
  let received = "no file system";
  try {
    if (fileSystem !== undefined) {
      await fileSystem.access(path, 4); // R_OK
      if (!(await fileSystem.stat(path)).isDirectory()) return;
      received = `the directory ${show(path)}`;
    }
  } catch (error) {
    received = `${show(path)} (${reasonOf(error)})`;
  }
  throw new ConfigError({
    path: VARIABLE,
    expected: "the path of a file that can be read",
    received,
  });
}

/** A file that is there but cannot be read counts as found: the loader then says what is wrong with it. */
async function exists(path: string, fileSystem: FileSystem): Promise<boolean> {
  try {
    await fileSystem.stat(path);
    return true;
  } catch (error) {
    const reason = reasonOf(error);
    return reason !== "ENOENT" && reason !== "ENOTDIR" && !DENIALS.has(reason);
  }
}

/** How Deno names the error of a missing `--allow-read`. */
const DENIALS: ReadonlySet<string> = new Set(["NotCapable", "PermissionDenied"]);

/**
 * Says in one word why a file could not be read.
 *
 * @param error What the file system threw.
 * @returns The error's code (`ENOENT`), else its name.
 */
export function reasonOf(error: unknown): string {
  const { code, name } = Object(error) as { readonly code?: unknown; readonly name?: unknown };
  if (typeof code === "string") return code;
  return typeof name === "string" ? name : "unknown error";
}
