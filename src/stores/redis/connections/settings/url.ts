/**
 * Where a Redis server is and who we are there, from a URL and the options beside it.
 *
 * @module
 */

import { ConfigError } from "../../../../base/errors.ts";
import { kindOf, show } from "../../../../base/text.ts";
import type { Credential } from "../../../credentials.ts";
import type { RedisStoreOptions } from "../../options.ts";
import { readUrlText } from "./url_text.ts";

/** A server, a database in it, and credentials. */
export interface Endpoint {
  /** Host name or address; an IPv6 address without brackets. Empty for a socket. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** The path of a unix socket, in place of host and port. */
  readonly socketPath?: string;
  /** The version of IP; absent for any. */
  readonly family?: 4 | 6;
  /** Whether the connection is encrypted. */
  readonly tls: boolean;
  /** Whether the URL says that any certificate is taken, or that it must count; absent where it says nothing. */
  readonly verify?: boolean;
  /** Database number. */
  readonly db: number;
  /** ACL user; absent where no password is used. */
  readonly username?: Credential;
  /** The password, in plain text; absent where none is used. */
  readonly password?: Credential;
  /** Whether the password stands percent-encoded in the URL. */
  readonly isEncoded?: true;
  /** Whether a Sentinel is there. */
  readonly isSentinel?: true;
  /** `redis://host:port/db`, for messages: without user and password. */
  readonly label: string;
}

const DEFAULT_PORT = 6379;

/**
 * Merges the URL with `db`, `username` and `password`, which must agree with it.
 *
 * @param options The store's options.
 * @param defaultPort The port where the URL names none.
 * @throws {ConfigError} If one of the four cannot be used, or two of them contradict each other. The message never
 * holds a user or a password.
 */
export function readEndpoint(
  options: Pick<RedisStoreOptions, "url" | "db" | "username" | "password">,
  defaultPort: number = DEFAULT_PORT,
): Endpoint {
  const url = readUrlText(options.url);
  const { protocol, tls, host, port = defaultPort, socketPath, family, verify, isEncoded } = url;
  if (verify !== undefined && !tls) fail("url", "rediss:// along with ssl_cert_reqs", `${protocol}//`);
  const db = mergeDb(url.db, options.db);
  const password = mergeCredential("password", url.password, options.password);
  const username = mergeCredential("username", url.username, options.username);
  if (username !== undefined && username !== "default" && password === undefined) {
    const expected =
      "a password along with it, as the option `password` or in redis://user:password@host; a password " +
      "alone is redis://:password@host";
    fail("username", expected, "a user name (not shown) and no password");
  }
  const name = host.includes(":") ? `[${host}]` : host;
  return Object.freeze({
    host,
    port,
    tls,
    db,
    ...(socketPath === undefined ? {} : { socketPath }),
    ...(family === undefined ? {} : { family }),
    ...(verify === undefined ? {} : { verify }),
    ...(password === undefined ? {} : { username: username ?? "default", password }),
    ...(isEncoded ? { isEncoded } : {}),
    label: socketPath === undefined
      ? `${protocol}//${name}:${port}/${db}`
      : `unix://${socketPath}${db === 0 ? "" : `?db=${db}`}`,
  });
}

function mergeDb(inUrl: number | undefined, option: number | undefined): number {
  if (option === undefined) return inUrl ?? 0;
  if (!Number.isSafeInteger(option) || option < 0) fail("db", "a whole number, 0 or more", show(option));
  if (inUrl !== undefined && inUrl !== option) fail("db", `${inUrl}, as the url says, or none`, show(option));
  return option;
}

function mergeCredential(
  path: "username" | "password",
  inUrl: string | undefined,
  option: Credential | undefined,
): Credential | undefined {
  if (option === undefined || option === "") return inUrl;
  if (typeof option !== "string" && typeof option !== "function") {
    fail(path, "a string, or a function that gives one", `${kindOf(option)} (not shown)`);
  }
  if (inUrl !== undefined && inUrl !== option) {
    fail(path, `the same ${path} as in the url, or none`, "another one (not shown)");
  }
  return option;
}

function fail(path: string, expected: string, received: string): never {
  throw new ConfigError({ path, expected, received });
}
