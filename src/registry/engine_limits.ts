/**
 * What an engine cannot do that a limiter asks for.
 *
 * @module
 */

import type { RateLimit } from "../algorithms/limit.ts";
import { algorithmOf } from "../algorithms/mod.ts";
import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import type { LimiterOptions } from "../policy/options.ts";
import { engineNamed } from "./engines.ts";

/**
 * Checks a limiter against the engine of its store.
 *
 * @param options What was given.
 * @param rates The limits in it.
 * @param engine The engine; undefined where there is no such store yet.
 * @throws {ConfigError} If the engine cannot do it.
 */
export function checkForEngine(
  { onChange = "keep" }: LimiterOptions,
  rates: readonly RateLimit[],
  engine: string | undefined,
): void {
  const remote = engine === undefined ? undefined : engineNamed(engine)?.remote;
  if (remote === undefined) return;
  const { title, mostKept = Infinity } = remote;
  const large = rates.find((rate) => rate.capacity > mostKept && algorithmOf(rate.algorithm).counterpart !== undefined);
  if (large !== undefined) {
    const other = algorithmOf(large.algorithm).counterpart;
    throw new ConfigError({
      path: "limit",
      expected:
        `at most ${mostKept} with ${large.algorithm} in ${title}, which writes all of them with each call, or ` +
        `the algorithm ${other}`,
      received: String(large.capacity),
    });
  }
  if (onChange === "keep" || remote.changesCounts) return;
  throw new ConfigError({
    path: "onChange",
    expected: `"keep", the only choice in ${title}, or a limiter in memory`,
    received: show(onChange),
  });
}
