/**
 * What a store needs that is not inside this process. Loaded with the first such store.
 *
 * @module
 */

export { Foresight } from "./foresight.ts";
export { StoreGuard } from "./store_guard.ts";
export { StoreReport } from "./store_report.ts";
