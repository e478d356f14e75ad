/**
 * For tests of programs that use `@ratesync/core`, and of stores for it. The contract of a store is on the page
 * [Writing a store](https://github.com/ratesync/core/blob/main/docs/writing_a_store.md).
 *
 * @module
 */

export { FakeClock, type FakeClockOptions } from "./fake_clock.ts";
export { type ConformanceCase, storeConformance, type StoreConformanceOptions } from "./conformance/suite.ts";
export type { OpenStore } from "./conformance/bench.ts";
export type { Clock, ScheduleOptions, Timer } from "../base/clock.ts";
export type { Board, BoardPost } from "../stores/board.ts";
export type { StoreCheck, StoreProblem, StoreProblemKind } from "../stores/check.ts";
export type { DownServers, KeySample, RulesInUse, ServerFacts, StoreInspection } from "../stores/inspection.ts";
export type * from "../stores/store.ts";
