import assert from "node:assert/strict";
import { ConfigError } from "../../../src/base/errors.ts";
import type { EnvReader } from "../../../src/registry/config/environment.ts";
import { parseConfig, type ParseConfigOptions } from "../../../src/registry/config/load.ts";
import type { LimiterOptions } from "../../../src/policy/options.ts";
import type { StoreConfig } from "../../../src/registry/engines.ts";
import type { RateSyncConfig } from "../../../src/registry/options.ts";

/** An environment that holds these variables only. */
export function envOf(variables: Readonly<Record<string, string>> = {}): EnvReader {
  return (name) => Object.hasOwn(variables, name) ? variables[name] : undefined;
}

/** Parses TOML with an environment of its own. */
export function parse(
  toml: string,
  variables: Readonly<Record<string, string>> = {},
  options: ParseConfigOptions = {},
): Promise<RateSyncConfig> {
  return parseConfig(toml, { env: envOf(variables), ...options });
}

/** Parses TOML that has one store, and returns it. */
export async function parseStore(
  lines: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<StoreConfig> {
  const { stores } = await parse(`[stores.main]\n${lines}`, variables);
  assert.ok(stores.main);
  return stores.main;
}

/** Parses TOML that has one limiter, and returns it. */
export async function parseLimiter(
  lines: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<LimiterOptions> {
  const { limiters } = await parse(`[limiters.api]\n${lines}`, variables);
  assert.ok(limiters.api);
  return limiters.api;
}

/** Expects a refusal, and returns the error. */
export async function refusal(promise: Promise<unknown>): Promise<ConfigError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof ConfigError, `a ConfigError, not ${error}`);
    return error;
  }
  assert.fail("nothing was refused");
}

/** Expects that one place is refused with these words. */
export async function assertRefused(
  promise: Promise<unknown>,
  path: string,
  expected: string | RegExp,
  received: string,
): Promise<void> {
  const error = await refusal(promise);
  assert.equal(error.path, path);
  if (typeof expected === "string") assert.equal(error.expected, expected);
  else assert.match(error.expected, expected);
  assert.equal(error.received, received);
}
