/**
 * Functions that return the key of a request.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { checkOptions } from "./check_options.ts";
import { addressGroup } from "./client_address.ts";
import { classed, classedAs, UNIDENTIFIED } from "./key_class.ts";
import type { GuardedRequest } from "./request.ts";

/** What identifies a request: a key, several keys that must each have units left, or nothing. */
export type Identity = string | number | bigint | readonly (string | undefined | null)[] | undefined | null;

/** Gives the key of a request. All requests without one share the key `unidentified`. */
export type Identify<Raw = unknown> = (request: GuardedRequest<Raw>) => Identity | Promise<Identity>;

/** How addresses become keys. */
export interface ByIpOptions {
  /**
   * How many bits of an IPv6 address count, from 1 to 128: providers give each customer a network, not an address.
   * @default {64}
   */
  readonly ipv6Prefix?: number;
}

/** By the client's address: `ip:203.0.113.7`, `ip:2001:db8::/64`. The guard's options say which proxies are trusted. */
export function byIp(options: ByIpOptions = {}): Identify {
  checkOptions(options, ["ipv6Prefix"], "byIp");
  const { ipv6Prefix = 64 } = options;
  if (!(Number.isInteger(ipv6Prefix) && ipv6Prefix >= 1 && ipv6Prefix <= 128)) {
    throw new ConfigError({
      path: "byIp.ipv6Prefix",
      expected: "a whole number from 1 to 128",
      received: show(ipv6Prefix),
    });
  }
  const keys = new Map<string, string>();
  return classed<Identify>(({ address }) => {
    if (address === undefined) return undefined;
    let key = keys.get(address);
    if (key === undefined) {
      key = `ip:${addressGroup(address, ipv6Prefix)}`;
      if (keys.size >= MAX_KEYS) keys.clear();
      keys.set(address, key);
    }
    return key;
  }, "ip");
}

/** How many keys of addresses are remembered: a client sends many requests, and making the key takes longer than finding it. */
const MAX_KEYS = 1_000;

/**
 * By the value of a header: `x-user-id:42`. Use it only for a header that your own gateway sets on each request,
 * because clients could choose their own keys.
 *
 * @param name The header's name.
 */
export function byHeader(name: string): Identify {
  const header = headerName(name, "byHeader");
  return classed<Identify>((request) => {
    const value = request.header(header)?.trim();
    return value ? `${header}:${value}` : undefined;
  }, header);
}

/** How API keys are read. */
export interface ByApiKeyOptions {
  /** The header that holds it. In `authorization`, it follows the word `Bearer`. @default {"authorization"} */
  readonly header?: string;
  /**
   * Whether an API key is one of yours. Without it, a client that invents keys has a new limit with each of them: then
   * limit by address too, or guard after authentication.
   */
  readonly known?: (apiKey: string) => boolean | Promise<boolean>;
}

/** By an API key, of which only the SHA-256 is kept: `api-key:9f86d0...`. */
export function byApiKey(options: ByApiKeyOptions = {}): Identify {
  checkOptions(options, ["header", "known"], "byApiKey");
  const { header: name = "authorization", known } = options;
  const header = headerName(name, "byApiKey.header");
  if (known !== undefined) checkFunction(known, "byApiKey.known");
  return classed<Identify>(async (request) => {
    const value = request.header(header)?.trim();
    const apiKey = header === "authorization" ? /^bearer +(\S+)$/i.exec(value ?? "")?.[1] : value;
    if (!apiKey || (known !== undefined && await known(apiKey) !== true)) return undefined;
    return `api-key:${await sha256(apiKey)}`;
  }, "api-key");
}

/** By the first function that gives a key: `firstOf(byApiKey({ known }), byIp())`. */
export function firstOf<Raw = unknown>(...identifiers: readonly Identify<Raw>[]): Identify<Raw> {
  for (const [i, identify] of identifiers.entries()) checkFunction(identify, `firstOf[${i}]`);
  return classedAs<Identify<Raw>>(async (request) => {
    for (const identify of identifiers) {
      const keys = keysOf(await identify(request));
      if (keys !== undefined) return keys;
    }
    return undefined;
  }, identifiers);
}

/** The keys of an identity, each once; `undefined` if it has none. A part without a key is `UNIDENTIFIED`. */
export function keysOf(identity: Identity): readonly string[] | undefined {
  if (typeof identity === "string") return isKey(identity) ? [identity] : undefined;
  if (!Array.isArray(identity)) {
    const isNumber = typeof identity === "bigint" || (typeof identity === "number" && Number.isFinite(identity));
    return isNumber ? [String(identity)] : undefined;
  }
  const keys = new Set(identity.map((part) => keysOf(part)?.[0] ?? UNIDENTIFIED));
  return keys.size === 0 || (keys.size === 1 && keys.has(UNIDENTIFIED)) ? undefined : [...keys];
}

/** The longest key; a limiter takes none that is longer. */
const MAX_KEY_LENGTH = 65_536;

/** Whether a limiter takes a text as a key. */
export function isKey(key: string): boolean {
  return key !== "" && key.length <= MAX_KEY_LENGTH;
}

function checkFunction(value: unknown, path: string): void {
  if (typeof value !== "function") throw new ConfigError({ path, expected: "a function", received: show(value) });
}

function headerName(name: string, path: string): string {
  if (typeof name === "string" && /^[!#$%&'*+.^_`|~\w-]+$/.test(name)) return name.toLowerCase();
  throw new ConfigError({ path, expected: "the name of a header", received: show(name) });
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
