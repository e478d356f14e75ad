/**
 * Where a Redis server is and who we are there, from a URL and the options beside it.
 *
 * @module
 */

import { ConfigError } from "../../../base/errors.ts";
import type { RedisStoreOptions } from "../options.ts";

/** A server, a database in it, and credentials. */
export interface Endpoint {
  /** Host name or address; an IPv6 address without brackets. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** Whether the connection is encrypted. */
  readonly tls: boolean;
  /** Database number. */
  readonly db: number;
  /** ACL user; absent where no password is used. */
  readonly username?: string;
  /** The password, in plain text; absent where none is used. */
  readonly password?: string;
  /** `redis://host:port/db`, for messages: without user and password. */
  readonly label: string;
}

const DEFAULT_PORT = 6379;
/** What the URL of a server looks like. */
export const URL_FORM = "redis://[[user]:password@]host[:port][/db], or rediss:// for TLS";

/**
 * Merges the URL with `db`, `username` and `password`, which must agree with it.
 *
 * @param options The store's options.
 * @param defaultPort The port where the URL names none.
 * @throws {ConfigError} If one of the four cannot be used, or two of them contradict each other. The message never
 * holds a password.
 */
export function readEndpoint(
  options: Pick<RedisStoreOptions, "url" | "db" | "username" | "password">,
  defaultPort: number = DEFAULT_PORT,
): Endpoint {
  const text = options.url as string;
  const url = parseUrl(text);
  const tls = url.protocol === "rediss:";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = url.port === "" ? defaultPort : Number(url.port);
  const db = mergeDb(readPath(url, text), options.db);
  const password = mergePassword(decode(url.password, text), options.password);
  const username = mergeUsername(decode(url.username, text), options.username);
  if (username !== undefined && username !== "default" && password === undefined) {
    fail("username", "a password along with it", `${JSON.stringify(username)} and no password`);
  }
  return Object.freeze({
    host,
    port,
    tls,
    db,
    ...(password === undefined ? {} : { username: username ?? "default", password }),
    label: `${url.protocol}//${host.includes(":") ? `[${host}]` : host}:${port}/${db}`,
  });
}

/** A URL as it may stand in a message: user and host are kept, whatever may be a password is not. */
export function redactUrl(url: string): string {
  const [, scheme = "", userInfo, rest = ""] = /^([a-z][a-z0-9+.-]*:\/\/)?(?:(.*)@)?(.*)$/is
    .exec(url) ?? [];
  const place = rest.replace(/[?#].*$/s, "?***");
  if (userInfo === undefined) return scheme + place;
  const colon = userInfo.indexOf(":");
  return `${scheme}${colon === -1 ? "***" : `${userInfo.slice(0, colon)}:***`}@${place}`;
}

function parseUrl(text: string): URL {
  if (typeof text !== "string") fail("url", URL_FORM, `a value of type ${typeof text}`);
  const received = JSON.stringify(redactUrl(text));
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // Without an "@" nobody knows which part was meant as the password.
    fail("url", URL_FORM, text.includes("@") ? received : "a text that is not a URL");
  }
  const isRedis = url.protocol === "redis:" || url.protocol === "rediss:";
  // Without a host and an "@", such as in localhost:6379:password, nobody knows which part was meant as the password.
  const isClear = url.hostname !== "" || text.includes("@");
  if (!isRedis || url.hostname === "") {
    fail("url", URL_FORM, isClear ? received : `a URL that begins with ${JSON.stringify(url.protocol)}`);
  }
  if (url.search !== "" || url.hash !== "") fail("url", `${URL_FORM}, and no query`, received);
  return url;
}

function readPath(url: URL, text: string): number | undefined {
  const path = url.pathname.replace(/^\//, "");
  if (path === "") return undefined;
  const db = Number(path);
  if (!/^\d+$/.test(path) || !Number.isSafeInteger(db)) {
    fail("url", "a database number, 0 or more, as its path", JSON.stringify(redactUrl(text)));
  }
  return db;
}

function decode(part: string, text: string): string | undefined {
  if (part === "") return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    fail("url", "user and password percent-encoded", JSON.stringify(redactUrl(text)));
  }
}

function mergeDb(inUrl: number | undefined, option: number | undefined): number {
  if (option === undefined) return inUrl ?? 0;
  if (!Number.isSafeInteger(option) || option < 0) {
    fail("db", "a whole number, 0 or more", print(option));
  }
  if (inUrl !== undefined && inUrl !== option) {
    fail("db", `${inUrl}, as the url says, or none`, print(option));
  }
  return option;
}

function mergePassword(inUrl: string | undefined, option: string | undefined): string | undefined {
  if (option !== undefined && typeof option !== "string") {
    fail("password", "a string", `a value of type ${typeof option}`);
  }
  if (option === undefined || option === "") return inUrl;
  if (inUrl !== undefined && inUrl !== option) {
    fail("password", "the same password as in the url, or none", "another one (not shown)");
  }
  return option;
}

function mergeUsername(inUrl: string | undefined, option: string | undefined): string | undefined {
  if (option === undefined || option === "") return inUrl;
  if (typeof option !== "string") fail("username", "a string", print(option));
  if (inUrl !== undefined && inUrl !== option) {
    fail("username", `${JSON.stringify(inUrl)}, as the url says, or none`, print(option));
  }
  return option;
}

function print(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function fail(path: string, expected: string, received: string): never {
  throw new ConfigError({ path, expected, received });
}
