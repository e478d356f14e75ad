/**
 * Waits until nothing of an instance is under way any more. Loaded when an instance is drained.
 *
 * @module
 */

import { steadyUs, systemClock } from "../base/clock.ts";
import type { CloseOptions } from "./close_options.ts";
import type { Definitions } from "./definitions.ts";

/** How long a drain may take where nothing else is said: less than the 30 s that Kubernetes leaves to a container. */
const TIMEOUT_MS = 25_000;
/** How often it is looked whether all have finished, in milliseconds. */
const LOOK_MS = 10;
/** How often in a row: between two steps of one call, nothing of it may be in sight for a moment. */
const LOOKS_IN_A_ROW = 2;

/** What is drained. */
export type Drainable = Pick<Definitions, "runs" | "openClients">;

/** What tells that a process is about to end. */
interface Ending {
  once(event: "beforeExit", listener: () => void): unknown;
  off(event: "beforeExit", listener: () => void): unknown;
}

/**
 * Resolves when no call waits or is in flight, no permit is held and no function of `run` is under way, or when the time
 * is over. A permit that nothing else can release any more does not keep the process alive: on Node, which would end
 * before the call is over, it resolves then.
 *
 * @param instance What is drained. It must not take new calls.
 * @param options How long it may take.
 * @param isOver Whether to stop now.
 */
export async function drained(
  instance: Drainable,
  { timeoutMs = TIMEOUT_MS }: CloseOptions,
  isOver: () => boolean,
): Promise<void> {
  const { runs } = instance;
  const { process } = globalThis as { process?: Partial<Ending> };
  let hasNothingElse = false;
  let wake: (() => void) | undefined;
  const beforeExit = () => {
    hasNothingElse = true;
    wake?.();
  };
  process?.once?.("beforeExit", beforeExit);
  const endUs = steadyUs(systemClock) + timeoutMs * 1_000;
  for (let inRow = 0; !isOver() && !hasNothingElse;) {
    const clients = await instance.openClients();
    const isIdle = clients.every((client) => client.isIdle);
    const isHeld = runs.count > 0 || clients.some(({ leases }) => !leases.isEmpty);
    inRow = isIdle && !isHeld ? inRow + 1 : 0;
    if (inRow === LOOKS_IN_A_ROW || steadyUs(systemClock) >= endUs) break;
    await new Promise<void>((resolve) => {
      wake = resolve;
      // What is held is heard of at once, because the process may have nothing else to do.
      for (const place of [runs, ...clients.map(({ leases }) => leases)]) place.onNone = resolve;
      const atUs = systemClock.nowUs() + LOOK_MS * 1_000;
      systemClock.schedule(atUs, resolve, { background: isIdle && isHeld });
    });
  }
  process?.off?.("beforeExit", beforeExit);
}
