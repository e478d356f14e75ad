/**
 * A socket to a PostgreSQL server, encrypted where that is wanted: before the driver gets it, so that messages can say what
 * went wrong, and so that a connection that is idle does not keep the process alive.
 *
 * @module
 */

import type { Socket } from "node:net";

import { StoreError } from "../../../../base/errors.ts";
import { nodeModule } from "../../../../base/node_module.ts";
import { isAddress } from "../../../tls_options.ts";
import { tlsReason } from "../../../tls_reason.ts";
import { unreachable } from "../errors.ts";
import type { Endpoint } from "../settings/settings.ts";
import type { Address } from "../settings/url_text.ts";

/** "May I speak TLS?", as the protocol asks it. */
const TLS_REQUEST = new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47]);
/** With what the messages of a server begin, after a client has introduced itself. */
const FIRST_BYTES = "REKNSv";

/**
 * Opens a socket.
 *
 * @param endpoint The database.
 * @param address The server.
 * @param signal Gives the attempt up: it then rejects with the signal's reason.
 * @throws {StoreError} If the server cannot be reached, or TLS is not as it has to be; or what the socket reports.
 */
export async function openSocket(endpoint: Endpoint, address: Address, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const { connect } = await nodeModule("node:net", () => import("node:net"));
  const { host, port } = address;
  const socket = host.startsWith("/")
    ? connect({ path: `${host}/.s.PGSQL.${port}` })
    : connect({ host, port, noDelay: true });
  const giveUp = () => void socket.destroy(signal.reason as Error);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    await happened(socket, "connect");
    if (endpoint.sslMode === "disable" || host.startsWith("/")) return checked(socket, endpoint.label);
    return checked(await secured(socket, endpoint, address), endpoint.label);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

async function secured(socket: Socket, endpoint: Endpoint, { host }: Address): Promise<Socket> {
  const { label, sslMode, tls: settings } = endpoint;
  socket.write(TLS_REQUEST);
  const [answer] = await happened(socket, "data") as [Uint8Array];
  const letter = String.fromCharCode(answer[0] as number);
  if (letter === "N" && answer.length === 1) {
    if (sslMode === "prefer" || sslMode === "allow") return socket;
    throw unreachable(
      label,
      `the server does not offer TLS, which sslmode=${sslMode} wants; turn on ssl at the server`,
      "tls",
    );
  }
  // More than one byte would be text that another machine on the way has put in front of what is encrypted.
  if (letter !== "S" || answer.length !== 1) throw notPostgres(label);
  const { connect } = await nodeModule("node:tls", () => import("node:tls"));
  const servername = settings.servername ?? (isAddress(host) ? undefined : host);
  const isChecked = sslMode.startsWith("verify") || settings.ca !== undefined;
  const encrypted = connect({
    socket,
    host,
    ...settings,
    ...(servername === undefined ? {} : { servername }),
    ...(isChecked && settings.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: false }),
    ...(sslMode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
  });
  try {
    await happened(encrypted, "secureConnect");
  } catch (cause) {
    encrypted.destroy();
    if (cause instanceof StoreError) throw cause;
    const reason = tlsReason(cause, settings) ??
      `the TLS handshake failed (${cause instanceof Error ? cause.message : String(cause)})`;
    throw unreachable(label, reason, "tls", cause);
  }
  return encrypted;
}

/** Destroys the socket if the first bytes from the server are not PostgreSQL's. */
function checked(socket: Socket, label: string): Socket {
  socket.once("data", (bytes: Uint8Array) => {
    if (!FIRST_BYTES.includes(String.fromCharCode(bytes[0] as number))) socket.destroy(notPostgres(label));
  });
  return socket;
}

function notPostgres(label: string): StoreError {
  return unreachable(label, "what answers there does not speak the protocol of PostgreSQL", "not_postgres");
}

/** Waits for an event; rejects with the error of the socket, or when it is closed before. */
function happened(socket: Socket, event: "connect" | "data" | "secureConnect"): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      socket.off(event, onEvent).off("error", onError).off("close", onClose);
      act();
    };
    const onEvent = (...args: unknown[]) => settle(() => resolve(args));
    const onError = (error: Error) => settle(() => reject(error));
    const onClose = () => settle(() => reject(new Error("the server closed the connection")));
    socket.once(event, onEvent).once("error", onError).once("close", onClose);
  });
}
