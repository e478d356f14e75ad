/**
 * What visitors may change, where that is allowed.
 *
 * @module
 */

import type { RateSync } from "../registry/rate_sync.ts";
import { readFields, refuse } from "../serve/fields.ts";

const FIELDS = {
  action: { kind: "text", most: 20, needed: true },
  limiter: { kind: "text", most: 1_024, needed: true },
  key: { kind: "text", most: 65_536 },
  durationMs: { kind: "number", least: 1, most: 366 * 86_400_000 },
} as const;

/** Blocks, unblocks or resets a key. */
export async function change(rs: RateSync<string>, body: unknown): Promise<{ readonly done: string }> {
  const { action, limiter, key, durationMs } = readFields(body, FIELDS, "");
  const options = key === undefined ? {} : { key };
  if (action === "block") {
    if (durationMs === undefined) refuse("durationMs", "how long to block, in milliseconds", durationMs);
    await rs.block(limiter, durationMs, options);
  } else if (action === "unblock") await rs.block(limiter, 0, options);
  else if (action === "reset") await rs.reset(limiter, options);
  else refuse("action", '"block", "unblock" or "reset"', action);
  return { done: action };
}
