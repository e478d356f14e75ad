/**
 * The TLS options of a Redis store, checked, and what a failed handshake means.
 *
 * @module
 */

import { ConfigError } from "../../../base/errors.ts";
import { show } from "../../../base/text.ts";
import type { RedisStoreOptions } from "../options.ts";

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

/** The options that concern TLS. */
type TlsOptions = Pick<
  RedisStoreOptions,
  "tlsCa" | "tlsCert" | "tlsKey" | "tlsKeyPassphrase" | "tlsServerName" | "tlsInsecure"
>;

type TextOption = Exclude<keyof TlsOptions, "tlsInsecure">;

const OPTIONS = ["tlsCa", "tlsCert", "tlsKey", "tlsKeyPassphrase", "tlsServerName", "tlsInsecure"] as const;
const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/;
const KEY = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/;
const ENCRYPTED_KEY = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

/**
 * Checks the TLS options. Empty strings count as not given. No error holds any of their text but the server's name.
 *
 * @param options The store's options.
 * @param isEncrypted Whether the URL says `rediss://`.
 * @throws {ConfigError} If one of them cannot be used, or two contradict each other or the URL.
 */
export function readTls(options: TlsOptions, isEncrypted: boolean): TlsSettings {
  const ca = readPem(options, "tlsCa", CERTIFICATE);
  const cert = readPem(options, "tlsCert", CERTIFICATE);
  const key = readPem(options, "tlsKey", KEY);
  const passphrase = readText(options, "tlsKeyPassphrase");
  const servername = readServerName(options);
  const insecure = readInsecure(options);
  const settings: TlsSettings = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(servername === undefined ? {} : { servername }),
    ...(insecure ? { rejectUnauthorized: false } : {}),
  };
  const given = OPTIONS.find((option) => Boolean(options[option]));
  if (!isEncrypted && given !== undefined) fail("url", `rediss://, for TLS, or no ${given}`, "redis://");
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

/**
 * Says what a failed handshake means, and what to do about it.
 *
 * @param cause What the socket rejected with.
 * @param settings What the handshake was given.
 * @returns A reason for a message; `undefined` if the failure is none of TLS.
 */
export function tlsReason(cause: unknown, settings: TlsSettings): string | undefined {
  const code = String((cause as { code?: unknown } | null)?.code ?? "");
  const found = MEANINGS.find(([codes]) => codes.test(code))?.[1];
  if (found !== undefined) return `${found} (${code})`;
  // Deno gives what it cannot use of our certificate and key the name of another mistake.
  const isOurs = /^ERR_(?:OSSL|BORINGSSL|CRYPTO)/.test(code) ||
    (settings.cert !== undefined && code === "ERR_SSL_UNSUPPORTED_PROTOCOL");
  return isOurs ? `${OWN_MATERIAL} (${code})` : undefined;
}

const OWN_MATERIAL =
  "what tlsCa, tlsCert and tlsKey hold cannot be used: is the PEM complete, does the key belong to " +
  "the certificate, and is tlsKeyPassphrase right?";

const MEANINGS: readonly (readonly [codes: RegExp, meaning: string])[] = [
  [
    /^(?:SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE)$/,
    "its certificate is signed by an unknown authority: give the authority's certificate as tlsCa (tls_ca_file)",
  ],
  [/^CERT_HAS_EXPIRED$/, "its certificate has expired: renew it on the server, or set this machine's clock"],
  [
    /^CERT_NOT_YET_VALID$/,
    "its certificate is not valid yet: set the clock of this machine, or renew it on the server",
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    "its certificate is for another host name: use that name in the URL, or give it as tlsServerName (tls_server_name)",
  ],
  [
    /CERTIFICATE_REQUIRED$/,
    "it wants a client certificate: give tlsCert and tlsKey (tls_cert_file, tls_key_file)",
  ],
  [
    /ALERT_HANDSHAKE_FAILURE$/,
    "it refused the handshake: it may want a client certificate (tlsCert, tlsKey), or a version of TLS or a cipher " +
    "that this runtime has not",
  ],
  [
    /ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|ACCESS_DENIED|DECRYPT_ERROR)$/,
    "it does not accept the client certificate: give one that its authority has signed, and that is valid, as tlsCert",
  ],
  [/^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/, "it does not speak TLS: use redis://, or its TLS port"],
];

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

function readInsecure({ tlsInsecure }: TlsOptions): boolean {
  if (tlsInsecure === undefined || typeof tlsInsecure === "boolean") return tlsInsecure === true;
  fail("tlsInsecure", "true or false", show(tlsInsecure));
}

function fail(path: string, expected: string, received: string): never {
  throw new ConfigError({ path, expected, received });
}
