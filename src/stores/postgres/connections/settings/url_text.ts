/**
 * The text of a PostgreSQL URL, taken apart. Passwords come as people paste them, so the text in front of the host may
 * hold any character, percent-encoded or not.
 *
 * @module
 */

import { ConfigError } from "../../../../base/errors.ts";
import { didYouMean } from "../../../../base/foreign_words.ts";
import { show } from "../../../../base/text.ts";

/** What a URL looks like. */
export const URL_FORM = "postgres://[user[:password]@]host[:port][/database]";

/** Who checks the server's certificate, and whether there has to be TLS: `sslmode` of PostgreSQL's own clients. */
export type SslMode = (typeof SSL_MODES)[number];

const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;

/** A server, or the folder of its socket. */
export interface Address {
  /** Host name or address, an IPv6 address without brackets; a path that begins with `/` is the folder of a socket. */
  readonly host: string;
  /** The port. */
  readonly port: number;
}

/** What a URL says. */
export interface UrlText {
  /** The servers, of which one is the primary. */
  readonly addresses: readonly Address[];
  /** The user, decoded. */
  readonly username: string | undefined;
  /** The password, decoded. */
  readonly password: string | undefined;
  /** The database. */
  readonly database: string | undefined;
  /** Whether to use TLS; undefined where the URL does not say it. */
  readonly sslMode: SslMode | undefined;
  /** Whether it says that there is a pooler in front of the server. */
  readonly isPooled: boolean;
}

const DEFAULT_PORT = 5432;
const SCHEME = /^postgres(?:ql)?:\/\/([^]*)$/i;
const HOSTS_DATABASE_QUERY = /^([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const HOST = /^(?:\[([\da-f:.]+(?:%[\w.-]+)?)\]|([^\s[\]:@%,]*|(?:%2f[^\s:@,]*)))(?::(\d{1,5}))?$/i;
const PASSWORD_HINT = "; a password with special characters works as it is in the option `password`";

/** Words of the query that count here. */
const USED = ["sslmode", "host", "port", "user", "password", "dbname", "pgbouncer"];
/** Words of drivers and of ORMs, which share the URL. They change nothing here. */
const IGNORED = [
  "application_name",
  "channel_binding",
  "client_encoding",
  "connect_timeout",
  "connection_limit",
  "fallback_application_name",
  "gssencmode",
  "keepalives",
  "keepalives_count",
  "keepalives_idle",
  "keepalives_interval",
  "max_connections",
  "options",
  "pool_timeout",
  "schema",
  "search_path",
  "single_use_connections",
  "socket_timeout",
  "sslaccept",
  "sslnegotiation",
  "statement_cache_size",
  "statement_timeout",
  "target_session_attrs",
  "tcp_user_timeout",
  "uselibpqcompat",
];
/** Words that name files, for which there are options. */
const FILES: Readonly<Record<string, string>> = {
  sslrootcert: "tlsCa",
  sslcert: "tlsCert",
  sslkey: "tlsKey",
  sslpassword: "tlsKeyPassphrase",
};

/**
 * Takes a URL apart.
 *
 * @param url The URL.
 * @param path The option that holds it.
 * @throws {ConfigError} If it cannot be used. The message repeats nothing of it.
 */
export function readUrlText(url: unknown, path: string): UrlText {
  const refuse = (expected: string, received: string): never => {
    throw new ConfigError({ path, expected, received });
  };
  if (typeof url !== "string") return refuse(URL_FORM, `a value of type ${typeof url}`);
  const [, rest] = SCHEME.exec(url.trim()) ?? [];
  if (rest === undefined) {
    return refuse(URL_FORM, url === "" ? "an empty text" : "a text that begins with something else");
  }
  const at = placeOfAt(rest, refuse);
  const [, hosts = "", database, queryText = ""] = HOSTS_DATABASE_QUERY.exec(rest.slice(at + 1)) ??
    refuse(`${URL_FORM}${PASSWORD_HINT}`, "a URL with a #");
  const query = readQuery(queryText, refuse);
  const info = at < 0 ? "" : rest.slice(0, at);
  const colon = info.includes(":") ? info.indexOf(":") : info.length;
  const written = (query["host"] ?? hosts).split(",");
  const ports = query["port"]?.split(",") ?? [];
  const addresses = written.map((each, i) => readAddress(each, ports[i] ?? ports[0], refuse));
  const mode = query["sslmode"]?.toLowerCase();
  if (mode !== undefined && !(SSL_MODES as readonly string[]).includes(mode)) {
    const hint = didYouMean(mode, SSL_MODES);
    const expected = `sslmode as one of ${SSL_MODES.join(", ")} in its query`;
    return refuse(hint === undefined ? expected : `${expected}; ${hint}`, "another value (not shown)");
  }
  return {
    addresses,
    username: (decode(info.slice(0, colon)) || query["user"]) ?? undefined,
    password: (decode(info.slice(colon + 1)) || query["password"]) ?? undefined,
    database: (decode(database ?? "") || query["dbname"]) ?? undefined,
    sslMode: mode as SslMode | undefined,
    isPooled: query["pgbouncer"] === "true",
  };
}

type Refuse = (expected: string, received: string) => never;

function readAddress(text: string, portInQuery: string | undefined, refuse: Refuse): Address {
  if (text.startsWith("/")) return { host: text, port: portOf(portInQuery, refuse) };
  const found = HOST.exec(text) ??
    refuse(
      `${URL_FORM}${PASSWORD_HINT}`,
      /:[^\]]*$/.test(text) ? "a URL whose port is not a number" : "a host that cannot be read (not shown)",
    );
  const [, address, name, port] = found;
  return { host: address ?? (decode(name ?? "") || "localhost"), port: portOf(port ?? portInQuery, refuse) };
}

function portOf(text: string | undefined, refuse: Refuse): number {
  const port = text === undefined || text === "" ? DEFAULT_PORT : Number(text);
  return Number.isInteger(port) && port >= 1 && port <= 65_535
    ? port
    : refuse("a port from 1 to 65535 in it", "another port (not shown)");
}

/**
 * Where the `@` is that ends user and password, -1 without. By the standard it is the last one in front of the first of
 * `/ ? #`. Passwords that were pasted as they are hold those too: then it is the last one, unless the text in front of
 * it can be read in another way as well.
 */
function placeOfAt(rest: string, refuse: Refuse): number {
  const end = rest.search(/[/?#]/);
  const authority = end === -1 ? rest : rest.slice(0, end);
  const at = rest.lastIndexOf("@");
  if (at < authority.length) return at;
  if (authority.includes("@") || /[?&](?:user|password)=/i.test(rest)) {
    refuse(`${URL_FORM}, with @ as %40 in user and password${PASSWORD_HINT}`, "a URL that can be read in several ways");
  }
  return at;
}

function readQuery(text: string, refuse: Refuse): Readonly<Record<string, string | undefined>> {
  const found: Record<string, string | undefined> = {};
  for (const [word, value] of new URLSearchParams(text)) {
    const option = Object.hasOwn(FILES, word) ? FILES[word] : undefined;
    if (option !== undefined) refuse(`the option ${option} in place of ${word} in its query`, "the name of a file");
    if (USED.includes(word)) found[word] = value;
    else if (!IGNORED.includes(word)) {
      const hint = didYouMean(word, USED);
      refuse(
        `${USED.join(", ")} and words of other clients in its query${
          hint === undefined ? "" : `; ${hint}`
        }${PASSWORD_HINT}`,
        hint === undefined ? "another word (not shown)" : show(word),
      );
    }
  }
  return found;
}

/** What is not percent-encoded was meant as it is. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
