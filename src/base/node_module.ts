/**
 * Loading the modules of Node when they are needed.
 *
 * @module
 */

/** What is used of the global `process`. */
interface Runtime {
  readonly process?: { getBuiltinModule?(name: string): unknown };
}

/**
 * Loads a module of Node. It prefers `process.getBuiltinModule`, which works in every bundle: what a bundler makes of
 * `import()` may call a `require` that ES modules do not have.
 *
 * @param name The name of the module.
 * @param load Imports the module, for runtimes without `getBuiltinModule`: Node before 20.16, and workers.
 * @throws {Error} If the runtime has no such module.
 */
export async function nodeModule<Module>(name: `node:${string}`, load: () => Promise<Module>): Promise<Module> {
  const { process } = globalThis as Runtime;
  return (process?.getBuiltinModule?.(name) as Module | undefined) ?? await load();
}
