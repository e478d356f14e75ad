/**
 * Configuration from a file: where it is, and what it says. Imported when it is first needed, never at load.
 *
 * @module
 */

export { CONFIG_PLACES, findConfigFile } from "./find.ts";
export { readConfig } from "./read.ts";
