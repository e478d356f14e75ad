/**
 * For tests of programs that use `@ratesync/core`, and of stores for it.
 *
 * @module
 */

export { FakeClock } from "./fake_clock.ts";
export type { Clock, ScheduleOptions, Timer } from "../base/clock.ts";
