/**
 * Environment variables, on any runtime and without importing anything.
 *
 * @module
 */

/** Gives a variable's value, `undefined` if it is not set, and throws if the runtime refuses to tell. */
export type EnvReader = (name: string) => string | undefined;

/** The parts of Node, Bun and Deno that hold the environment. */
interface Runtime {
  readonly process?: { readonly env?: Readonly<Record<string, unknown>> };
  readonly Deno?: { readonly env?: { get(name: string): unknown } };
}

/**
 * Reads an environment variable.
 *
 * @param name The variable's name.
 * @returns Its value; `undefined` if it is not set, or where there is no environment.
 * @throws {Error} If the runtime refuses access: Deno without `--allow-env`.
 */
export function readEnvOrThrow(name: string): string | undefined {
  const { process, Deno } = globalThis as Runtime;
  const value = process?.env === undefined ? Deno?.env?.get(name) : process.env[name];
  return typeof value === "string" ? value : undefined;
}

/**
 * Reads an optional environment variable: a refusal counts as not set.
 *
 * @param name The variable's name.
 * @returns Its value; `undefined` if it is not set, may not be read, or where there is no environment.
 */
export function readEnv(name: string): string | undefined {
  try {
    return readEnvOrThrow(name);
  } catch {
    return undefined;
  }
}
