/**
 * The URL of a NATS store, taken apart.
 *
 * @module
 */

import { ConfigError } from "../../../base/errors.ts";

/** What a URL looks like. */
export const URL_FORM = "nats://[user[:password]@]host[:port], several hosts with commas between them, or tls://";

/** What a URL says. */
export interface NatsUrl {
  /** `host:port` of each server; an IPv6 address in brackets. */
  readonly servers: readonly string[];
  /** Whether it says `tls://`. */
  readonly isEncrypted: boolean;
  /** The user, decoded. */
  readonly username: string | undefined;
  /** The password, decoded. */
  readonly password: string | undefined;
  /** What stands alone in front of the `@`, decoded. */
  readonly token: string | undefined;
  /** The URL for messages: without what stands in front of an `@`. */
  readonly label: string;
}

const DEFAULT_PORT = 4222;
const SCHEME = /^\s*(nats|tls):\/\//i;
const PART = /^(?:(nats|tls):\/\/)?(?:([^]*)@)?(\[[\da-f:.]+\]|[^\s[\]:@/?#]+)(?::(\d{1,5}))?\/?$/i;

/**
 * Takes a URL apart. What stands in front of a host may differ from host to host only by missing.
 *
 * @param url The URL.
 * @throws {ConfigError} If it cannot be used. The message repeats nothing of it.
 */
export function readNatsUrl(url: unknown): NatsUrl {
  if (typeof url !== "string") refuse(`a value of type ${typeof url}`);
  const scheme = schemeOf(url);
  // A password may hold commas: what holds no host in front of the last @ belongs to it.
  const servers: string[] = [];
  let user: string | undefined;
  for (const text of partsOf(url.trim())) {
    const [, own = scheme, info, host, port = String(DEFAULT_PORT)] = readPart(text);
    if (own.toLowerCase() !== scheme) refuse("both nats:// and tls://");
    if (Number(port) < 1 || Number(port) > 65_535) refuse("a port that is not from 1 to 65535");
    if (info !== undefined && user !== undefined && info !== user) refuse("different users or passwords");
    user ??= info;
    servers.push(`${host}:${port}`);
  }
  const colon = user?.indexOf(":") ?? -1;
  const isToken = user !== undefined && colon < 0;
  return {
    servers,
    isEncrypted: scheme === "tls",
    username: isToken || user === undefined ? undefined : decode(user.slice(0, colon)),
    password: isToken || user === undefined ? undefined : decode(user.slice(colon + 1)),
    token: isToken ? decode(user as string) : undefined,
    label: `${scheme}://${servers.join(",")}`,
  };
}

function schemeOf(url: string): string {
  const scheme = SCHEME.exec(url)?.[1];
  return scheme?.toLowerCase() ??
    refuse(url.trim() === "" ? "an empty text" : "a text that begins with something else");
}

function readPart(text: string): readonly (string | undefined)[] {
  return PART.exec(text) ?? refuse("a URL without a host");
}

/** The servers of a URL. Commas in front of an `@` are none between servers, unless a scheme follows. */
function partsOf(url: string): string[] {
  const at = url.lastIndexOf("@");
  const schemes = url.split(/,\s*(?=(?:nats|tls):\/\/)/i);
  if (schemes.length > 1 || at < 0) return schemes.flatMap((part) => part.split(/,\s*(?![^,]*@)/));
  const [first = "", ...more] = url.slice(at + 1).split(/,\s*/);
  return [url.slice(0, at + 1) + first, ...more];
}

/** Percent-encoding undone, where it is some. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function refuse(received: string): never {
  throw new ConfigError({ path: "url", expected: URL_FORM, received });
}
