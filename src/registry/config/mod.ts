/**
 * Configuration from a file: where it is, and what it says. Imported when it is first needed, never at load.
 *
 * @module
 */

export { CONFIG_PLACES, findConfigFile, findOrFail } from "./find.ts";
export { loadConfigFile } from "./load.ts";
export { replacedBy } from "./stores.ts";
