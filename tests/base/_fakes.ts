/**
 * The fake timers that users' tests install, behind one interface.
 *
 * @module
 */

import { mock } from "node:test";

import { install } from "@sinonjs/fake-timers";

/** What can be a fake. */
export type FakeApi = "Date" | "performance" | "setTimeout";

/** Fakes that are in place. */
export interface Fakes {
  /** Moves them on, and fires timers on the way. */
  tick(ms: number): void;
  /** Puts the real ones back. */
  uninstall(): void;
}

/** Sinon's, which are also those of Jest and Vitest. */
export function installSinon(apis: readonly FakeApi[], now: number): Fakes {
  const withClear = apis.flatMap((api) => api === "setTimeout" ? [api, "clearTimeout"] as const : [api]);
  const clock = install({ toFake: withClear, now });
  return { tick: (ms) => void clock.tick(ms), uninstall: () => void clock.uninstall() };
}

/** Those of `node:test`, which cannot replace `performance`. */
export function installMock(apis: readonly FakeApi[], now: number): Fakes {
  mock.timers.enable({ apis: apis.filter((api) => api !== "performance"), now });
  return { tick: (ms) => mock.timers.tick(ms), uninstall: () => mock.timers.reset() };
}

/** Lets everything run that waits for no timer. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}
