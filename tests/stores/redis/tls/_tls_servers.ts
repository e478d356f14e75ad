/**
 * Servers that speak TLS.
 *
 * @module
 */

import { freePort } from "../../../../scripts/_free_port.ts";
import type { Authority } from "../_certificates.ts";
import { type RedisProcess, startRedis } from "../_servers.ts";

/** A Redis that speaks TLS beside plain. */
export interface TlsRedis {
  /** The server. */
  readonly server: RedisProcess;
  /** Where it speaks TLS. */
  readonly url: string;
}

/** Starts one with the certificate `id` of an authority. Clients may need one too. */
export async function startTls(
  authority: Authority,
  id: string,
  clients: "yes" | "no",
  ...args: string[]
): Promise<TlsRedis> {
  const port = await freePort();
  const files = { cert: `${id}.pem`, key: `${id}.key`, "ca-cert": "authority.pem" };
  const paths = Object.entries(files).flatMap(([name, file]) => [`--tls-${name}-file`, authority.path(file)]);
  const server = await startRedis("--tls-port", String(port), ...paths, "--tls-auth-clients", clients, ...args);
  return { server, url: `rediss://127.0.0.1:${port}` };
}
