/**
 * The text of a Redis URL, taken apart. Passwords come as people paste them, so the text in front of the host may hold
 * any character, percent-encoded or not.
 *
 * @module
 */

import { ConfigError } from "../../../../base/errors.ts";
import { didYouMean } from "../../../../base/foreign_words.ts";
import { show } from "../../../../base/text.ts";

/** What the URL of a server looks like. */
export const URL_FORM = "redis://[[user]:password@]host[:port][/db], rediss:// for TLS, or unix:///path of a socket";

/** What to do about a password that a URL cannot hold. */
const PASSWORD_HINT = "; a password with special characters works as it is in the option `password`";

/** What a URL says. */
export interface UrlText {
  /** `redis:`, or what was written in its place. */
  readonly protocol: string;
  /** Whether the connection is encrypted. */
  readonly tls: boolean;
  /** Host name or address, an IPv6 address without brackets; empty for a socket. */
  readonly host: string;
  /** The TCP port, if the URL names one. */
  readonly port: number | undefined;
  /** The path of a unix socket. */
  readonly socketPath: string | undefined;
  /** The user, decoded. */
  readonly username: string | undefined;
  /** The password, decoded. */
  readonly password: string | undefined;
  /** Whether decoding has changed the password. */
  readonly isEncoded: boolean;
  /** The database number. */
  readonly db: number | undefined;
  /** The version of IP; undefined for any. */
  readonly family: 4 | 6 | undefined;
  /** Whether the server's certificate counts; undefined where the URL does not say it. */
  readonly verify: boolean | undefined;
}

/** What the query of a URL can hold. */
interface Query {
  readonly db: number | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly family: 4 | 6 | undefined;
  readonly verify: boolean | undefined;
}

const SCHEME = /^(?:(?:redis|valkey)(s)?|(unix|(?:redis|valkey)\+(?:unix|socket))):\/\/([^]*)$/i;
const PLACE = /^([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/;
const HOST = /^(?:\[([\da-f:.]+(?:%[\w.-]+)?)\]|([^\s[\]:@%]+))(?::(\d+))?$/i;

/** Words of the query with what their values may be: the first group of a match counts. */
const QUERY: Readonly<Record<string, readonly [values: RegExp, expected: string]>> = {
  db: [/^(\d{1,9})$/, "a database number, 0 or more"],
  username: [/^(.+)$/s, "a user"],
  password: [/^(.+)$/s, "a password"],
  family: [/^(?:ipv)?([046])$/i, "4 or 6, or 0 for both"],
  ssl_cert_reqs: [/^(?:cert_)?(none|optional|required)$/i, "none, optional or required"],
  protocol: [/^([23])$/, "2 or 3, which decide the same"],
};
const ALIASES: Readonly<Record<string, string>> = { database: "db", virtual_host: "db", user: "username" };

/**
 * Takes the URL of one server apart.
 *
 * @param url The URL.
 * @throws {ConfigError} If it cannot be used. The message repeats nothing of it.
 */
export function readUrlText(url: unknown): UrlText {
  if (typeof url !== "string") refuse(URL_FORM, `a value of type ${typeof url}`);
  const [, s, socket, rest] = SCHEME.exec(url.trim()) ?? [];
  if (rest === undefined) refuse(URL_FORM, url === "" ? "an empty text" : "a text that begins with something else");
  const protocol = url.trim().slice(0, url.trim().indexOf("/")).toLowerCase();
  const isSocket = socket !== undefined;
  const at = placeOfAt(rest, isSocket);
  const [, authority = "", path = "", queryText] = PLACE.exec(rest.slice(at + 1)) ??
    refuse(`${URL_FORM}${PASSWORD_HINT}`, "a URL with a #");
  const [, address, name, portText] = isSocket ? [] : HOST.exec(authority) ?? [];
  const port = portText === undefined ? undefined : Number(portText);
  if (isSocket ? authority !== "" || path.length < 2 : address === undefined && name === undefined) {
    const received = isSocket ? "a URL without the path of a socket, which begins with /" : "a URL without a host";
    refuse(`${URL_FORM}${PASSWORD_HINT}`, /:[^\]]*$/.test(authority) ? "a URL whose port is not a number" : received);
  }
  if (port !== undefined && (port < 1 || port > 65_535)) refuse("a port from 1 to 65535 in it", "another one");
  const inPath = isSocket || path.length < 2 ? undefined : /^\/(\d{1,9})\/?$/.exec(path)?.[1] ??
    refuse(`a database number, 0 or more, as its path${PASSWORD_HINT}`, "another path (not shown)");
  const query = readQuery(queryText ?? "");
  const info = at < 0 ? "" : rest.slice(0, at);
  const colon = info.includes(":") ? info.indexOf(":") : info.length;
  const password = info.slice(colon + 1);
  return {
    protocol,
    tls: s !== undefined,
    host: address ?? name ?? "",
    port,
    socketPath: isSocket ? decode(path) : undefined,
    username: agree("username", decode(info.slice(0, colon)) || undefined, query.username),
    password: agree("password", decode(password) || undefined, query.password),
    isEncoded: decode(password) !== password,
    db: agree("db", inPath === undefined ? undefined : Number(inPath), query.db),
    family: query.family,
    verify: query.verify,
  };
}

/**
 * Where the `@` is that ends user and password, -1 without. By the standard it is the last one in front of the first of
 * `/ ? #`. Passwords that were pasted as they are hold those too: then it is the last one, unless the text in front of
 * it can be read in another way as well.
 */
function placeOfAt(rest: string, isSocket: boolean): number {
  const end = rest.search(/[/?#]/);
  const authority = end === -1 ? rest : rest.slice(0, end);
  const at = rest.lastIndexOf("@");
  if (at < authority.length || (isSocket && authority === "")) return authority.lastIndexOf("@");
  if (authority.includes("@") || /[?&](?:user(?:name)?|password)=/i.test(rest)) {
    refuse(`${URL_FORM}, with @ as %40 in user and password${PASSWORD_HINT}`, "a URL that can be read in several ways");
  }
  return at;
}

function readQuery(text: string): Query {
  const found: Record<string, string | undefined> = {};
  for (const [word, value] of new URLSearchParams(text)) {
    const key = ALIASES[word] ?? word;
    const [values, expected] = Object.hasOwn(QUERY, key) ? QUERY[key] as (typeof QUERY)[string] : unknownWord(word);
    const read = values.exec(value)?.[1] ?? refuse(`${expected} as ${word} in its query`, "another value (not shown)");
    found[key] = agree(key, found[key], read);
  }
  const { db, username, password, family, ssl_cert_reqs: certificate } = found;
  return {
    db: db === undefined ? undefined : Number(db),
    username,
    password,
    family: family === "4" ? 4 : family === "6" ? 6 : undefined,
    verify: certificate === undefined ? undefined : certificate.toLowerCase() !== "none",
  };
}

function unknownWord(word: string): never {
  const known = Object.keys(QUERY);
  const hint = didYouMean(word, known);
  refuse(
    `nothing but ${known.join(", ")} in its query${hint === undefined ? "" : `; ${hint}`}${PASSWORD_HINT}`,
    hint === undefined ? "another word (not shown)" : show(word),
  );
}

/** One value, from two places that may not contradict each other. */
function agree<T>(word: string, one: T | undefined, other: T | undefined): T | undefined {
  if (one !== undefined && other !== undefined && one !== other) {
    refuse(`one ${word} in the URL${word === "password" ? PASSWORD_HINT : ""}`, "two that differ (not shown)");
  }
  return one ?? other;
}

/** What is not percent-encoded was meant as it is. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function refuse(expected: string, received: string): never {
  throw new ConfigError({ path: "url", expected, received });
}
