/**
 * The environment of this process as an object.
 *
 * @module
 */

/** The variables, on Node, Bun, Deno and platforms like them; empty where there is no environment. */
export function processEnv(): Readonly<Record<string, string | undefined>> {
  const { process } = globalThis as { process?: { env?: Readonly<Record<string, string | undefined>> } };
  return process?.env ?? {};
}
