/**
 * Collects garbage now, on each runtime.
 *
 * @module
 */

import { setFlagsFromString } from "node:v8";
import { setImmediate as turn } from "node:timers/promises";
import { runInNewContext } from "node:vm";

interface Collectors {
  readonly Bun?: { gc(force: boolean): void };
  readonly gc?: () => void;
}

/** Collects everything that is not reachable, also what becomes so in the next turn. */
export async function collectGarbage(): Promise<void> {
  const collect = collector();
  for (let i = 0; i < 2; i++) {
    collect();
    await turn();
  }
}

function collector(): () => void {
  const { Bun } = globalThis as Collectors;
  if (Bun !== undefined) return () => Bun.gc(true);
  setFlagsFromString("--expose-gc");
  return (globalThis as Collectors).gc ?? runInNewContext("gc") as () => void;
}
