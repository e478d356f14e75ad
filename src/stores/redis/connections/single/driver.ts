/**
 * Loading node-redis, which is CommonJS, also from inside of a bundle.
 *
 * @module
 */

/**
 * The module of node-redis that connects. The package `redis` is this one and four for the modules of Redis Stack, which
 * take a tenth of the time from the start of a process to its first decision.
 */
export type Driver = typeof import("@redis/client");

/**
 * Loads node-redis. The first time that takes longer than a decision may.
 *
 * @throws {Error} If it cannot be loaded; the message says why.
 */
export async function importDriver(): Promise<Driver> {
  const takeBack = lendRequire();
  try {
    return await import("@redis/client");
  } catch (cause) {
    throw new Error(reasonOf(cause), { cause });
  } finally {
    takeBack();
  }
}

/** What is used of the global `process`. */
interface Runtime {
  readonly process?: { getBuiltinModule?(name: "node:module"): typeof import("node:module") };
  require?: unknown;
}

/**
 * Makes `require` a global while node-redis is loaded. An ES module bundle that esbuild has made calls the global
 * `require` for the modules of Node, and ES modules have none.
 */
function lendRequire(): () => void {
  const runtime = globalThis as Runtime;
  const module = runtime.require === undefined ? runtime.process?.getBuiltinModule?.("node:module") : undefined;
  if (module === undefined) return () => {};
  Object.defineProperty(runtime, "require", { value: module.createRequire("/"), configurable: true });
  return () => void delete runtime.require;
}

function reasonOf(cause: unknown): string {
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
  if (code === "MODULE_NOT_FOUND" || code === "ERR_MODULE_NOT_FOUND") return "it is not installed";
  return String(message ?? cause);
}
