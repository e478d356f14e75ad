/**
 * What a guard makes of its options.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { parseNetwork } from "../base/network.ts";
import { listWords, show } from "../base/text.ts";
import { isLimiter } from "../limiter/is_limiter.ts";
import { isKeyClass } from "../limiter/call_options.ts";
import type { Limiter } from "../limiter/limiter.ts";
import type { RateSync } from "../registry/rate_sync.ts";
import { checkOptions, hint } from "./check_options.ts";
import { AddressRules } from "./address_rules.ts";
import { checkAddressHeader, NetworkSet } from "./client_address.ts";
import type { CompiledRule } from "./compiled_rule.ts";
import { BODY_STYLES, type BodyStyle } from "./denial.ts";
import { HeaderWriter } from "./header_writer.ts";
import { DIALECTS, type HeaderDialect } from "./headers.ts";
import type { CompiledList, Exemptions } from "./exemptions.ts";
import { byIp, type Identify } from "./identify.ts";
import { prefixesOf } from "./key_class.ts";
import type { Cost, GuardList, GuardOptions, GuardRule } from "./options.ts";
import { fromDefault, fromInstance, fromLimiter, type LimiterSource } from "./source.ts";

/** The names of the options, and what each must be. Set-up finds all that can be known then. */
const OPTIONS: Readonly<Record<keyof GuardOptions, "function" | "boolean" | "any">> = {
  limiter: "any",
  rateSync: "any",
  key: "any",
  keyClass: "any",
  cost: "any",
  settle: "function",
  skip: "function",
  skipPreflights: "boolean",
  allow: "any",
  block: "any",
  dryRun: "boolean",
  waitMs: "any",
  headers: "any",
  exposeHeaders: "boolean",
  body: "any",
  explain: "boolean",
  statusCode: "any",
  onDenied: "function",
  onDecision: "function",
  onError: "function",
  logger: "any",
  throwStoreErrors: "boolean",
  trustedProxies: "any",
  addressHeader: "any",
};

/** Dialects whose headers hold instants, not times from now. */
const INSTANTS: ReadonlySet<HeaderDialect> = new Set<HeaderDialect>(["x-ratelimit", "x-ratelimit-ms"]);

/** Options, checked, with defaults. */
export interface CompiledGuard<Raw> {
  /** The rules, at least one. */
  readonly rules: readonly CompiledRule<Raw>[];
  /** Where limiters come from. */
  readonly source: LimiterSource;
  /** Which requests are exempt from limits; `undefined` where no option exempts any. */
  readonly exemptions: Exemptions | undefined;
  /** Writes the headers of decisions. */
  readonly headers: HeaderWriter;
  /** How the client's address is found. */
  readonly address: AddressRules;
  /** Whether a request may cost nothing: its cost is a function. */
  readonly mayBeFree: boolean;
  /** Whether a rule has a function `settle`. */
  readonly settles: boolean;
  /** Whether requests may wait. */
  readonly waits: boolean;
  /** How long a request may wait, in milliseconds. */
  readonly waitMs: number;
  /** The status of a denial by a limit. */
  readonly statusCode: number;
  /** The style of its body. */
  readonly body: BodyStyle;
  /** Whether it explains the denial. */
  readonly explains: boolean;
  /** Whether headers or bodies hold instants, for which the present must be known. */
  readonly tellsInstants: boolean;
}

/**
 * Checks options.
 *
 * @throws {ConfigError | NotFoundError} If anything is wrong that can be known now.
 */
export function compileGuard<Raw>(options: GuardOptions<Raw>): CompiledGuard<Raw> {
  checkOptions(options, Object.keys(OPTIONS), "guard", true);
  for (const [name, kind] of Object.entries(OPTIONS)) {
    const value = options[name as keyof GuardOptions];
    if (kind !== "any" && value !== undefined && typeof value !== kind) fail(name, `a ${kind}`, value);
  }
  const { limiter, rateSync, waitMs = 0, statusCode = 429, body = "problem", logger, addressHeader } = options;
  if (!(typeof waitMs === "number" && waitMs >= 0)) fail("waitMs", "milliseconds from 0 to Infinity", waitMs);
  if (!(Number.isInteger(statusCode) && statusCode >= 400 && statusCode <= 599)) {
    fail("statusCode", "a status from 400 to 599", statusCode);
  }
  if (!BODY_STYLES.includes(body)) fail("body", listWords(BODY_STYLES) + hint(body, BODY_STYLES), body);
  if (options.explain && body !== "problem") {
    fail("explain", 'false, or the body "problem", which has room for it', true);
  }
  if (logger !== undefined && logger !== false && typeof logger?.warn !== "function") {
    fail("logger", "false, or an object with a method warn", logger);
  }
  checkAddressHeader(addressHeader);
  const dialects = compileDialects(options.headers);
  const source = sourceOf(limiter, rateSync);
  const rules = compileRules(options);
  if (rateSync !== undefined) new NetworkSet(rateSync.http.trustedProxyNetworks ?? [], "http.trustedProxyNetworks");
  for (const rule of rules) {
    const known = isLimiter(limiter) ? limiter : rateSync?.limiter(rule.limiter);
    if (known !== undefined) checkRule(rule, known, rules.length === 1);
  }
  return {
    rules,
    source,
    exemptions: compileExemptions(options),
    headers: new HeaderWriter(dialects, options.exposeHeaders === true),
    tellsInstants: body === "error" || dialects.some((dialect) => INSTANTS.has(dialect)),
    address: new AddressRules(
      source,
      addressHeader,
      options.trustedProxies === undefined ? undefined : new NetworkSet(options.trustedProxies),
    ),
    mayBeFree: rules.some(({ cost }) => typeof cost === "function"),
    settles: rules.some(({ settle }) => settle !== undefined),
    waits: waitMs > 0 && options.dryRun !== true,
    waitMs,
    statusCode,
    body,
    explains: options.explain === true,
  };
}

function sourceOf(limiter: unknown, rateSync: RateSync | undefined): LimiterSource {
  if (isLimiter(limiter)) {
    if (rateSync !== undefined) fail("rateSync", "nothing beside a limiter that belongs to one", rateSync);
    return fromLimiter(limiter);
  }
  if (rateSync === undefined) return fromDefault();
  if (typeof rateSync?.tryAcquireAll !== "function") fail("rateSync", "an instance, of createRateSync", rateSync);
  return fromInstance(rateSync);
}

const RULE_KEYS = ["limiter", "key", "keyClass", "cost", "settle"];

function compileRules<Raw>(options: GuardOptions<Raw>): CompiledRule<Raw>[] {
  const { limiter, key = byIp() } = options;
  const base = {
    path: "",
    cost: options.cost === undefined ? 1 : checkCost(options.cost, "cost"),
    settle: options.settle,
  };
  const identify = checkKey(key, "key");
  const keyClass = checkClass(options.keyClass, "keyClass");
  const own = { ...base, identify, keyClass, keyPrefixes: prefixesOf(identify) };
  if (isLimiter(limiter)) return [{ ...own, limiter: limiter.id }];
  if (typeof limiter === "string" && limiter !== "") return [{ ...own, limiter }];
  if (!Array.isArray(limiter) || limiter.length === 0) {
    return fail("limiter", "the id of a limiter, a limiter, or rules such as { limiter, key }", limiter);
  }
  return (limiter as readonly GuardRule<Raw>[]).map((rule, i) => {
    const path = `limiter[${i}]`;
    if (typeof rule !== "object" || rule === null) fail(path, "a rule such as { limiter, key }", rule);
    checkOptions(rule, RULE_KEYS, path);
    if (typeof rule.limiter !== "string" || rule.limiter === "") {
      fail(`${path}.limiter`, "the id of a limiter", rule.limiter);
    }
    if (rule.settle !== undefined && typeof rule.settle !== "function") {
      fail(`${path}.settle`, "a function", rule.settle);
    }
    const by = rule.key === undefined ? identify : checkKey(rule.key, `${path}.key`);
    return {
      path: `${path}.`,
      limiter: rule.limiter,
      identify: by,
      keyClass: checkClass(rule.keyClass, `${path}.keyClass`) ?? (rule.key === undefined ? keyClass : undefined),
      keyPrefixes: prefixesOf(by),
      cost: rule.cost === undefined ? base.cost : checkCost(rule.cost, `${path}.cost`),
      settle: rule.settle ?? base.settle,
    };
  });
}

function checkKey<Raw>(key: Identify<Raw> | false, path: string): Identify<Raw> | undefined {
  if (key === false) return undefined;
  if (typeof key !== "function") fail(path, "a function such as byIp(), or false for all clients together", key);
  return key;
}

function checkClass(keyClass: string | undefined, path: string): string | undefined {
  if (keyClass === undefined || isKeyClass(keyClass)) return keyClass;
  return fail(path, "a string of 1 to 64 characters", keyClass);
}

function checkCost<Raw>(cost: Cost<Raw>, path: string): Cost<Raw> {
  if (typeof cost === "function" || (Number.isSafeInteger(cost) && cost >= 1)) return cost;
  return fail(path, "a whole number from 1, or a function", cost);
}

/** Checks what depends on the limiter: whether it can ever hold the cost, and whether it has a rate to settle. */
function checkRule<Raw>(rule: CompiledRule<Raw>, { policy }: Limiter, isAlone: boolean): void {
  const { cost, settle, limiter: id } = rule;
  if (typeof cost === "number" && cost > policy.capacity) {
    fail("cost", `at most ${policy.capacity}, all that limiter ${show(id)} ever holds`, cost);
  }
  if (isAlone && settle !== undefined && policy.rates.length === 0) {
    fail("settle", `a rate to settle with; limiter ${show(id)} has only permits`, settle);
  }
}

function compileExemptions<Raw>(options: GuardOptions<Raw>): Exemptions | undefined {
  const skips = options.skip !== undefined;
  const { skipPreflights = false } = options;
  const allow = compileList(options.allow, "allow");
  const block = compileList(options.block, "block");
  const exempts = skips || skipPreflights || options.allow !== undefined || options.block !== undefined;
  return exempts ? { skips, skipPreflights, allow, block } : undefined;
}

function compileList(list: GuardList | undefined, path: string): CompiledList {
  if (list === undefined) return { networks: undefined, keys: new Set() };
  if (typeof list !== "object" || list === null) fail(path, "an object such as { networks, keys }", list);
  checkOptions(list, ["networks", "keys"], path);
  const { networks, keys = [] } = list;
  if (!Array.isArray(keys)) fail(`${path}.keys`, "an array of keys", keys);
  for (const [i, key] of keys.entries()) {
    if (typeof key !== "string" || key === "") fail(`${path}.keys[${i}]`, "a key", key);
    if (parseNetwork(key) !== undefined) fail(`${path}.keys[${i}]`, `a key; networks belong in ${path}.networks`, key);
  }
  return {
    networks: networks === undefined ? undefined : new NetworkSet(networks, `${path}.networks`),
    keys: new Set(keys),
  };
}

function compileDialects(headers: GuardOptions["headers"] = "draft-11"): HeaderDialect[] {
  if (headers === false) return [];
  const dialects = Array.isArray(headers) ? headers : [headers];
  for (const dialect of dialects) {
    if (!DIALECTS.includes(dialect)) {
      fail("headers", `${listWords(DIALECTS)}, several of them, or false${hint(dialect, DIALECTS)}`, dialect);
    }
  }
  return dialects;
}

function fail(path: string, expected: string, received: unknown): never {
  throw new ConfigError({ path, expected, received: show(received) });
}
