/**
 * How an instance is closed.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { rejectUnknownOptions } from "../base/unknown_options.ts";

/** How an instance is closed. */
export interface CloseOptions {
  /**
   * Whether calls that wait, permits that are held and functions of `run` may finish first. New calls fail at once with
   * a `ClosedError`. The drain does not wait for permits that hold only rates. @default {false}
   */
  readonly drain?: boolean;
  /**
   * With `drain`: how long that may take, in milliseconds, 0 or more; Infinity waits without limit. Then everything is
   * closed as without `drain`. The timeout does not keep the process alive. @default {25_000}
   */
  readonly timeoutMs?: number;
}

/**
 * Checks how an instance is to be closed.
 *
 * @throws {ConfigError} If an option cannot be used.
 */
export function checkCloseOptions(options: CloseOptions): void {
  if (typeof options !== "object" || options === null) fail("options", "an object with drain and timeoutMs", options);
  rejectUnknownOptions(options, ["drain", "timeoutMs"]);
  const { drain, timeoutMs } = options;
  if (drain !== undefined && typeof drain !== "boolean") fail("drain", "true or false", drain);
  if (timeoutMs === undefined) return;
  if (!drain) fail("timeoutMs", "drain: true beside it, or no timeoutMs", timeoutMs);
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 0)) fail("timeoutMs", "milliseconds, 0 or more", timeoutMs);
}

function fail(path: string, expected: string, received: unknown): never {
  throw new ConfigError({ path, expected, received: show(received) });
}
