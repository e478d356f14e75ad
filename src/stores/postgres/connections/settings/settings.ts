/**
 * The options of a PostgreSQL store, checked; those of its connections with their defaults.
 *
 * @module
 */

import { ConfigError } from "../../../../base/errors.ts";
import { kindOf } from "../../../../base/text.ts";
import type { Credential } from "../../../credentials.ts";
import { readTls, type TlsSettings } from "../../../tls_options.ts";
import { checkPostgresOptions } from "../../option_table.ts";
import type { PostgresStoreOptions } from "../../options.ts";
import { type Address, readUrlText, type SslMode } from "./url_text.ts";

/** A database, and who we are there. */
export interface Endpoint {
  /** The servers, of which the primary is used. */
  readonly addresses: readonly Address[];
  /** The database; absent for the one that is called as the user. */
  readonly database?: string;
  /** The user; absent for that of the operating system. */
  readonly username?: Credential;
  /** The password, in plain text. */
  readonly password?: Credential;
  /** Whether to use TLS, and what has to be true of the server's certificate. */
  readonly sslMode: SslMode;
  /** What TLS needs. */
  readonly tls: TlsSettings;
  /** `postgres://host:port/database`, for messages: without user and password. */
  readonly label: string;
}

/** What opens and keeps connections. Every value has been checked. */
export interface ConnectionSettings {
  /** Where the database is. */
  readonly endpoint: Endpoint;
  /** Where to listen; absent where that is not possible. */
  readonly listenEndpoint?: Endpoint;
  /** Whether statements are prepared, and sessions get settings. */
  readonly prepare: boolean;
  /** Whether a commit waits for the disk, as the server is set up. */
  readonly isDurable: boolean;
  /** The most connections for decisions. */
  readonly poolMaxSize: number;
  /** How long one statement may take, in milliseconds. */
  readonly socketTimeoutMs: number;
  /** How long opening one connection may take, in milliseconds, with the handshake. */
  readonly socketConnectTimeoutMs: number;
}

const POOL_MAX_SIZE = 4;
/** How long a statement, or opening a connection, may take where nothing else is said. */
export const SOCKET_TIMEOUT_MS = 5_000;

/** Options that ask for TLS. */
const TLS_OPTIONS = ["tlsCa", "tlsCert", "tlsServerName"] as const;
/** Connections that other machines cannot read need no TLS. */
const LOCAL = /^(?:localhost|127(?:\.\d+){3}|::1|\/.*)$/;

/**
 * Checks the options, and fills in the defaults of those that concern the connection.
 *
 * @param options The store's options.
 * @throws {ConfigError} If one of them cannot be used.
 */
export function readSettings(options: PostgresStoreOptions): ConnectionSettings {
  checkPostgresOptions(options);
  const { listenUrl } = options;
  const { isPooled, ...endpoint } = readEndpoint(options, "url");
  const prepare = options.prepare ?? !isPooled;
  const listenEndpoint = listenUrl === undefined || listenUrl === ""
    ? prepare ? endpoint : undefined
    : (({ isPooled: _, ...rest }) => rest)(readEndpoint({ ...options, url: listenUrl }, "listenUrl"));
  return Object.freeze({
    endpoint,
    ...(listenEndpoint === undefined ? {} : { listenEndpoint }),
    prepare,
    isDurable: options.durable ?? false,
    poolMaxSize: options.poolMaxSize ?? POOL_MAX_SIZE,
    socketTimeoutMs: options.socketTimeoutMs ?? SOCKET_TIMEOUT_MS,
    socketConnectTimeoutMs: options.socketConnectTimeoutMs ?? SOCKET_TIMEOUT_MS,
  });
}

function readEndpoint(options: PostgresStoreOptions, path: "url" | "listenUrl"): Endpoint & { isPooled: boolean } {
  const { addresses, database, sslMode: written, isPooled, ...inUrl } = readUrlText(options.url, path);
  const username = mergeCredential("username", inUrl.username, options.username);
  const password = mergeCredential("password", inUrl.password, options.password);
  const wantsTls = TLS_OPTIONS.some((name) => Boolean(options[name]));
  const isLocal = addresses.every(({ host }) => LOCAL.test(host));
  const sslMode = written ??
    (options.tlsInsecure ? "require" : wantsTls ? "verify-full" : isLocal ? "disable" : "prefer");
  if (options.tlsInsecure && sslMode !== "require" && sslMode !== "prefer") {
    throw new ConfigError({
      path: "tlsInsecure",
      expected: `false beside sslmode=${sslMode} of the url`,
      received: "true",
    });
  }
  const schemes = { encrypted: "sslmode=require or one that is stricter", plain: `sslmode=${sslMode}` };
  return {
    addresses,
    ...(database === undefined ? {} : { database }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    sslMode,
    tls: readTls(options, sslMode !== "disable", schemes),
    label: labelOf(addresses, database),
    isPooled,
  };
}

function labelOf(addresses: readonly Address[], database: string | undefined): string {
  const path = database === undefined ? "" : `/${encodeURIComponent(database)}`;
  const socket = addresses.find(({ host }) => host.startsWith("/"));
  if (socket !== undefined) return `postgres://${path}?host=${socket.host}`;
  const hosts = addresses.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`);
  return `postgres://${hosts.join(",")}${path}`;
}

function mergeCredential(
  path: "username" | "password",
  inUrl: string | undefined,
  option: Credential | undefined,
): Credential | undefined {
  if (option === undefined || option === "") return inUrl === "" ? undefined : inUrl;
  if (typeof option !== "string" && typeof option !== "function") {
    const expected = "a string, or a function that gives one";
    throw new ConfigError({ path, expected, received: `${kindOf(option)} (not shown)` });
  }
  if (inUrl !== undefined && inUrl !== "" && inUrl !== option) {
    const expected = `the same ${path} as in the url, or none`;
    throw new ConfigError({ path, expected, received: "another one (not shown)" });
  }
  return option;
}
