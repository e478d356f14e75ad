/**
 * The options of a NATS store, checked and with their defaults.
 *
 * @module
 */

import { ConfigError } from "../../../base/errors.ts";
import { kindOf } from "../../../base/text.ts";
import type { Credential } from "../../credentials.ts";
import { readTls, type TlsSettings } from "../../tls_options.ts";
import { checkNatsOptions } from "../option_table.ts";
import type { NatsStoreOptions, NatsStreamOptions } from "../options.ts";
import { readNatsUrl } from "./url.ts";

/** Where NATS is and who we are there. Every value has been checked. */
export interface NatsPlace {
  /** `host:port` of each server that the URL names. */
  readonly servers: readonly string[];
  /** Whether a server without TLS is refused. */
  readonly isEncrypted: boolean;
  /** How connections are encrypted. */
  readonly tls: TlsSettings;
  /** Who we are; at most one of the three ways, with `username` and `password` as one. */
  readonly credentials: NatsCredentials;
  /** The URL for messages: without user, password and token. */
  readonly label: string;
}

/** Who a connection is for. */
export interface NatsCredentials {
  /** The user. */
  readonly username?: Credential | undefined;
  /** The password. */
  readonly password?: Credential | undefined;
  /** A token. */
  readonly token?: Credential | undefined;
  /** The text of a credentials file. */
  readonly creds?: string | undefined;
  /** The seed of an NKey. */
  readonly nkeySeed?: string | undefined;
}

/** What a store does with its connection. */
export interface NatsSettings {
  /** What the names of streams and subjects begin with. */
  readonly streamPrefix: string;
  /** Where the server keeps the streams. */
  readonly storage: "file" | "memory";
  /** On how many servers each stream is kept. */
  readonly replicas: number;
  /** Whether streams that are missing are made. */
  readonly autoCreate: boolean;
  /** What the subjects of answers begin with. */
  readonly inboxPrefix: string;
  /** How long a request may take, in milliseconds. */
  readonly socketTimeoutMs: number;
  /** How long connecting may take, in milliseconds. */
  readonly socketConnectTimeoutMs: number;
}

const TIMEOUT_MS = 5_000;

/**
 * Checks the options that say how streams are used.
 *
 * @throws {ConfigError} If one of them cannot be used.
 */
export function readNatsSettings(options: NatsStreamOptions): NatsSettings {
  checkNatsOptions(options);
  const {
    streamPrefix = "ratesync",
    storage = "file",
    replicas = 1,
    autoCreate = true,
    inboxPrefix = "_INBOX",
    socketTimeoutMs = TIMEOUT_MS,
    socketConnectTimeoutMs = TIMEOUT_MS,
  } = options;
  return { streamPrefix, storage, replicas, autoCreate, inboxPrefix, socketTimeoutMs, socketConnectTimeoutMs };
}

/**
 * Checks the options that say where NATS is.
 *
 * @throws {ConfigError} If one of them cannot be used, or two contradict each other. No message holds a secret.
 */
export function readNatsPlace(options: NatsStoreOptions): NatsPlace {
  const url = readNatsUrl(options.url);
  const credentials: NatsCredentials = {
    username: merge("username", url.username, options.username),
    password: merge("password", url.password, options.password),
    token: merge("token", url.token, options.token),
    creds: merge("creds", undefined, options.creds) as string | undefined,
    nkeySeed: merge("nkeySeed", undefined, options.nkeySeed) as string | undefined,
  };
  const { username, password, ...others } = credentials;
  const ways = [...Object.entries({ "username and password": username ?? password, ...others })]
    .filter(([, value]) => value !== undefined).map(([name]) => name);
  if (ways.length > 1) fail(ways[1] as string, `one of ${ways.join(", ")}`, ways.join(" and "));
  if ((username === undefined) !== (password === undefined)) {
    const [given, missing] = username === undefined ? ["password", "username"] : ["username", "password"];
    fail(missing as string, `a ${missing} along with ${given}; a token alone is the option token`, "nothing");
  }
  const { creds, nkeySeed } = credentials;
  if (creds !== undefined && !/BEGIN NATS USER JWT[^]*BEGIN USER NKEY SEED/.test(creds)) {
    fail("creds", "the text of a credentials file, with a JWT and a seed", "another text (not shown)");
  }
  if (nkeySeed !== undefined && !/^SU[A-Z2-7]{56}$/.test(nkeySeed)) {
    fail("nkeySeed", "the seed of a user's NKey: SU and 56 more letters and digits", "another text (not shown)");
  }
  const tls = readTls(options, true, { encrypted: "tls://", plain: "nats://" });
  return Object.freeze({ servers: url.servers, isEncrypted: url.isEncrypted, tls, credentials, label: url.label });
}

function merge(
  path: "username" | "password" | "token" | "creds" | "nkeySeed",
  inUrl: string | undefined,
  option: Credential | undefined,
): Credential | undefined {
  if (option === undefined || option === "") return inUrl;
  const mayBeFunction = path !== "creds" && path !== "nkeySeed";
  if (typeof option !== "string" && !(mayBeFunction && typeof option === "function")) {
    fail(path, mayBeFunction ? "a string, or a function that gives one" : "a string", `${kindOf(option)} (not shown)`);
  }
  if (inUrl !== undefined && inUrl !== option) {
    fail(path, `the same ${path} as in the url, or none`, "another one (not shown)");
  }
  return option;
}

function fail(path: string, expected: string, received: string): never {
  throw new ConfigError({ path, expected, received });
}
