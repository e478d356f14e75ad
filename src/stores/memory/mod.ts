/**
 * The embedded store of `@ratesync/core`, for those who build one by hand: for tests, or as a base of their own.
 * Configuration with `engine: "memory"`, or with no store at all, does it for everyone else.
 *
 * @example A store that holds few keys
 * ```ts
 * import { createRateSync } from "@ratesync/core";
 * import { MemoryStore } from "@ratesync/core/memory";
 *
 * const store = new MemoryStore({ maxKeys: 10_000 });
 * const rs = createRateSync({ stores: { here: store }, limiters: { api: { ratePerSecond: 100 } } });
 * ```
 *
 * @module
 */

export { MemoryStore, type MemoryStoreOptions } from "./memory_store.ts";
export type { Clock, ScheduleOptions, Timer } from "../../base/clock.ts";
export type { Board, BoardPost } from "../board.ts";
export type { StoreCheck, StoreProblem, StoreProblemKind } from "../check.ts";
export type { KeySample, RulesInUse, ServerFacts, StoreInspection } from "../inspection.ts";
export type * from "../store.ts";
