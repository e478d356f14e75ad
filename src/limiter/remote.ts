/**
 * What a store needs that is not inside this process. Loaded with the first such store.
 *
 * @module
 */

export { Shortcuts } from "../shortcut/shortcuts.ts";
export { StoreHealth } from "../resilience/store_health.ts";
export { StoreReport } from "../observe/store_report.ts";
