/**
 * What a failed TLS handshake means, and what to do about it.
 *
 * @module
 */

import type { TlsSettings } from "./tls_options.ts";

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
  [
    /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/,
    "it does not speak TLS: use a URL without TLS, or the port for TLS",
  ],
];
