/**
 * All mistakes that are seeded in the Lua.
 *
 * @module
 */

import { BOARDS } from "./boards.ts";
import { BUCKETS } from "./buckets.ts";
import { KERNELS } from "./kernels.ts";
import { LOGS } from "./logs.ts";
import { PERMITS } from "./permits.ts";
import { QUEUES } from "./queues.ts";
import { RULES } from "./rules.ts";
import { SEVERAL } from "./several.ts";
import { WINDOWS } from "./windows.ts";
import type { Mutant } from "./mutant.ts";

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  ...BUCKETS,
  ...SEVERAL,
  ...WINDOWS,
  ...KERNELS,
  ...LOGS,
  ...PERMITS,
  ...QUEUES,
  ...RULES,
  ...BOARDS,
];
