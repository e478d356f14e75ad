/**
 * The token of a command that serves.
 *
 * @module
 */

import { UsageError } from "./failure.ts";

/**
 * Reads the token from the environment. It is never an argument: other users of the machine see those.
 *
 * @param env The environment.
 * @param name The variable that `--token-env` names. @default `RATESYNC_TOKEN`
 * @returns The token; undefined where the variable is not set.
 * @throws {UsageError} If a variable is named that is not set.
 */
export function tokenOf(
  env: Readonly<Record<string, string | undefined>>,
  name: string | undefined,
): string | undefined {
  const token = env[name ?? "RATESYNC_TOKEN"];
  if (name !== undefined && !token) throw new UsageError(`Cannot use --token-env ${name}: that variable is not set`);
  return token || undefined;
}
