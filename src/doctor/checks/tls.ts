/**
 * Whether others on the network can read along.
 *
 * @module
 */

import { finding, type Judge } from "../finding.ts";

/** Hosts that are this machine. */
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|::1)$/i;

/** Judges the way to the store. */
export const tls: Judge = ({ check: { url } }) => {
  const place = /^(rediss?|valkeys?|https?|tls):\/\/(\[[^\]]*\]|[^:/,]*)/.exec(url ?? "");
  if (place === null) return [];
  const [, scheme = "", host = ""] = place;
  if (/^(?:rediss|valkeys|https|tls)$/.test(scheme)) return [finding("tls", "ok", "the connection is encrypted")];
  if (LOOPBACK.test(host)) return [finding("tls", "ok", "not encrypted, on this machine")];
  const detail = "the connection is not encrypted: the password, keys of clients and commands can be read on the way";
  return [finding("tls", "note", detail, "Use rediss://, unless the network is private")];
};
