/**
 * Where a REST endpoint is, and its token.
 *
 * @module
 */

import { ConfigError } from "../../../../base/errors.ts";
import { kindOf } from "../../../../base/text.ts";
import { checkRedisOptions, REDIS_OPTIONS } from "../../option_table.ts";
import type { RedisStoreOptions } from "../../options.ts";
import { SOCKET_TIMEOUT_MS } from "../settings/settings.ts";
import type { Endpoint } from "../settings/url.ts";

/** How to ask an endpoint. Every value has been checked. */
export interface RestSettings {
  /** Where requests go. */
  readonly url: string;
  /** What they are signed with. */
  readonly token: string;
  /** How messages call it, and what they must not hold. */
  readonly endpoint: Endpoint;
  /** How long a request may take, in milliseconds. */
  readonly timeoutMs: number;
}

const URL_FORM = "https://host of a REST endpoint, without user, query and fragment; or redis://, or rediss:// for TLS";

/** Whether a URL is that of a REST endpoint. */
export function isRestUrl(url: unknown): url is string {
  return typeof url === "string" && /^https?:/i.test(url);
}

/**
 * Checks the options of a store over REST.
 *
 * @param options The store's options.
 * @throws {ConfigError} If one of them cannot be used. The message never holds the token.
 */
export function readRest(options: RedisStoreOptions): RestSettings {
  checkRedisOptions(options);
  const url = readUrl(options.url ?? "");
  for (const [name, { rest }] of Object.entries(REDIS_OPTIONS)) {
    const value = options[name as keyof RedisStoreOptions];
    if (rest || value === undefined || value === "" || value === false) continue;
    throw new ConfigError({
      path: name,
      expected: "none with the https:// address of a REST endpoint",
      received: "one",
    });
  }
  const { token, socketTimeoutMs: timeoutMs = SOCKET_TIMEOUT_MS } = options;
  if (typeof token !== "string" || token === "" || /[^\x21-\x7e]/.test(token)) {
    const received = token === undefined || token === "" ? "none" : `${kindOf(token)} (not shown)`;
    throw new ConfigError({
      path: "token",
      expected: "the token of the REST endpoint, without spaces or line breaks",
      received,
    });
  }
  const label = `${url.origin}${url.pathname === "/" ? "" : url.pathname}`;
  const tls = url.protocol === "https:";
  const port = url.port === "" ? (tls ? 443 : 80) : Number(url.port);
  return Object.freeze({
    url: url.href,
    token,
    endpoint: Object.freeze({ host: url.hostname, port, tls, db: 0, password: token, label }),
    timeoutMs,
  });
}

function readUrl(text: string): URL {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // refused below
  }
  if (url === undefined || url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new ConfigError({ path: "url", expected: URL_FORM, received: url?.origin ?? "a text that is not a URL" });
  }
  return url;
}
