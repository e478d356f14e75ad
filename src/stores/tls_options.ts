/**
 * The TLS options of a store, which all engines name alike, checked.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";

/** What TLS needs beside host and port, named as the drivers' sockets name it. Empty where nothing was said. */
export interface TlsSettings {
  /** Certificates of the authorities to trust, as PEM; absent for those of the runtime. */
  readonly ca?: string;
  /** The client's certificate, as PEM. */
  readonly cert?: string;
  /** The key of the client's certificate, as PEM. */
  readonly key?: string;
  /** What the key is encrypted with. */
  readonly passphrase?: string;
  /** The name that the server's certificate must hold; absent for the host of the URL. */
  readonly servername?: string;
  /** Whether the server's certificate is checked; absent for yes. */
  readonly rejectUnauthorized?: false;
}

/** Whether a host is an IP address, which no client may give as the name of a server (RFC 6066). */
export function isAddress(host: string): boolean {
  return /^[\d.]+$|:/.test(host);
}

/** The options that concern TLS. */
export interface TlsOptions {
  /** Certificates of the authorities to trust, as PEM text. */
  readonly tlsCa?: string;
  /** The certificate of this client, as PEM text. */
  readonly tlsCert?: string;
  /** The private key of `tlsCert`, as PEM text. */
  readonly tlsKey?: string;
  /** The passphrase of `tlsKey`. */
  readonly tlsKeyPassphrase?: string;
  /** The name that the server's certificate must hold. */
  readonly tlsServerName?: string;
  /** Whether any certificate of the server is accepted. */
  readonly tlsInsecure?: boolean;
}

/** The schemes of an engine's URLs, for messages. */
export interface TlsSchemes {
  /** That of URLs with TLS. */
  readonly encrypted: string;
  /** That of URLs without. */
  readonly plain: string;
}

type TextOption = Exclude<keyof TlsOptions, "tlsInsecure">;

const OPTIONS = ["tlsCa", "tlsCert", "tlsKey", "tlsKeyPassphrase", "tlsServerName", "tlsInsecure"] as const;
const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/;
const KEY = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/;
const ENCRYPTED_KEY = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

/**
 * Checks the TLS options. Empty strings count as not given. No error holds any of their text but the server's name.
 *
 * @param options The store's options.
 * @param isEncrypted Whether the URL allows for TLS.
 * @param schemes What the engine's URLs begin with.
 * @throws {ConfigError} If one of them cannot be used, or two contradict each other or the URL.
 */
export function readTls(options: TlsOptions, isEncrypted: boolean, schemes: TlsSchemes): TlsSettings {
  const ca = readPem(options, "tlsCa", CERTIFICATE);
  const cert = readPem(options, "tlsCert", CERTIFICATE);
  const key = readPem(options, "tlsKey", KEY);
  const passphrase = readText(options, "tlsKeyPassphrase");
  const servername = readServerName(options);
  const insecure = options.tlsInsecure === true;
  const settings: TlsSettings = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(servername === undefined ? {} : { servername }),
    ...(insecure ? { rejectUnauthorized: false } : {}),
  };
  const given = OPTIONS.find((option) => Boolean(options[option]));
  if (!isEncrypted && given !== undefined) {
    fail("url", `${schemes.encrypted}, for TLS, or no ${given}`, schemes.plain);
  }
  if (cert !== undefined && key === undefined) fail("tlsKey", "the key of the certificate in tlsCert", "nothing");
  if (key !== undefined && cert === undefined) fail("tlsCert", "the certificate of the key in tlsKey", "nothing");
  if (key === undefined && passphrase !== undefined) fail("tlsKey", "a key along with tlsKeyPassphrase", "nothing");
  if (key !== undefined && passphrase === undefined && ENCRYPTED_KEY.test(key)) {
    fail("tlsKeyPassphrase", "the passphrase of tlsKey, which is encrypted", "nothing");
  }
  if (insecure && ca !== undefined) fail("tlsInsecure", "false or nothing beside tlsCa", "true");
  if (insecure && servername !== undefined) fail("tlsInsecure", "false or nothing beside tlsServerName", "true");
  return Object.freeze(settings);
}

function readText(options: TlsOptions, path: TextOption): string | undefined {
  const value: unknown = options[path];
  if (value === undefined || value === "") return undefined;
  if (typeof value === "string") return value;
  fail(path, "a string", `a value of type ${typeof value}`);
}

function readPem(options: TlsOptions, path: "tlsCa" | "tlsCert" | "tlsKey", form: RegExp): string | undefined {
  const text = readText(options, path);
  if (text === undefined || form.test(text)) return text;
  const kind = path === "tlsKey" ? "a private key" : path === "tlsCert" ? "a certificate" : "certificates";
  fail(path, `${kind} in PEM, with its BEGIN and END lines`, "a text without (not shown)");
}

function readServerName(options: TlsOptions): string | undefined {
  const name = readText(options, "tlsServerName");
  if (name === undefined || /^[^\s/:@]+$/.test(name)) return name;
  fail("tlsServerName", "a host name", show(name));
}

function fail(path: string, expected: string, received: string): never {
  throw new ConfigError({ path, expected, received });
}
