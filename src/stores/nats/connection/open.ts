/**
 * Opening one connection to NATS. The client never reconnects by itself: the link opens a new one, with credentials that
 * are fresh.
 *
 * @module
 */

import type { ConnectionOptions } from "@nats-io/transport-node";

import { systemClock } from "../../../base/clock.ts";
import { withTimeout } from "../../../base/deadline.ts";
import { StoreError } from "../../../base/errors.ts";
import { kindOf } from "../../../base/text.ts";
import type { NatsCredential } from "../options.ts";
import type { NatsCredentials, NatsPlace } from "../settings/settings.ts";
import type { NatsClient } from "./client.ts";
import { loadNatsDriver, type NatsDriver } from "./driver.ts";
import { openError } from "./errors.ts";

/** The client's own pings would keep the process alive; idle heartbeats of the reading do their work. */
const NO_PINGS_MS = 2 ** 31 - 1;

/** What is used of the inside of a client of `@nats-io/transport-node`, to let the process end while it is open. */
interface ClientParts {
  readonly protocol?: {
    readonly heartbeats?: { cancel?(): void };
    readonly transport?: { readonly socket?: { unref?(): void; ref?(): void } };
  };
}

/** What a connection is opened with. */
export interface OpenNatsOptions {
  /** How long all of it may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Servers that are known beside those of the URL, `host:port` each. */
  readonly others: readonly string[];
}

/**
 * Opens a connection to the first server that answers.
 *
 * @throws {StoreError} If none does, or one refuses.
 */
export async function openNats(place: NatsPlace, { timeoutMs, others }: OpenNatsOptions): Promise<NatsClient> {
  const driver = await loadNatsDriver();
  const startUs = systemClock.nowUs();
  const credentials = await ask(place, timeoutMs);
  const leftMs = Math.max(timeoutMs - (systemClock.nowUs() - startUs) / 1_000, 1);
  const servers = [...new Set([...place.servers, ...others])];
  const options: ConnectionOptions = {
    servers,
    name: "ratesync",
    reconnect: false,
    // Each server gets its share, so that one which is silent leaves time for the others.
    timeout: Math.max(leftMs / servers.length, Math.min(leftMs, 1_000)),
    pingInterval: NO_PINGS_MS,
    ...place.isEncrypted || Object.keys(place.tls).length > 0 ? { tls: { ...place.tls } } : {},
    ...authOf(driver, credentials),
  };
  const opening = driver.connect(options);
  try {
    const client = await withTimeout(opening, leftMs, () => new driver.TimeoutError());
    letEnd(client as ClientParts);
    return client;
  } catch (cause) {
    opening.then((late) => late.close(), () => {});
    throw openError(place, timeoutMs, cause);
  }
}

/** Lets the process end while the connection is open, or not. */
export function hold(client: NatsClient, isHeld: boolean): void {
  const socket = (client as ClientParts).protocol?.transport?.socket;
  if (isHeld) socket?.ref?.();
  else socket?.unref?.();
}

function letEnd(client: ClientParts): void {
  client.protocol?.heartbeats?.cancel?.();
  client.protocol?.transport?.socket?.unref?.();
}

/** The credentials as the client takes them. */
function authOf(
  driver: NatsDriver,
  { username, password, token, creds, nkeySeed }: KnownCredentials,
): ConnectionOptions {
  const bytes = (text: string) => new TextEncoder().encode(text);
  if (creds !== undefined) return { authenticator: driver.credsAuthenticator(bytes(creds)) };
  if (nkeySeed !== undefined) return { authenticator: driver.nkeyAuthenticator(bytes(nkeySeed)) };
  if (token !== undefined) return { token };
  return username === undefined ? {} : { user: username, pass: password ?? "" };
}

interface KnownCredentials extends NatsCredentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
}

/** Calls the functions that give credentials, together and each time anew. */
async function ask(place: NatsPlace, timeoutMs: number): Promise<KnownCredentials> {
  const { username, password, token, ...rest } = place.credentials;
  const textOf = (option: string, credential: NatsCredential | undefined) =>
    typeof credential === "function"
      ? withTimeout(
        textFrom(place, option, credential),
        timeoutMs,
        () => cannot(place, option, `has given nothing within ${timeoutMs} ms`, { reason: "connect_timeout" }),
      )
      : credential;
  const [user, pass, secret] = await Promise.all([
    textOf("username", username),
    textOf("password", password),
    textOf("token", token),
  ]);
  return { ...rest, username: user, password: pass, token: secret };
}

async function textFrom(
  place: NatsPlace,
  option: string,
  credential: Exclude<NatsCredential, string>,
): Promise<string> {
  let text: unknown;
  try {
    text = await credential();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : kindOf(cause);
    throw cannot(place, option, `has failed: ${why}`, {
      ...cause instanceof Error ? { cause } : {},
      reason: "authentication",
    });
  }
  if (typeof text === "string" && text !== "") return text;
  throw cannot(place, option, `has to give a text, and gave ${text === "" ? "an empty text" : kindOf(text)}`, {
    reason: "authentication",
  });
}

function cannot(
  { label }: NatsPlace,
  option: string,
  what: string,
  options: ConstructorParameters<typeof StoreError>[2],
): StoreError {
  const message = `Cannot connect to NATS at ${label}: the function in the option ${option} ${what}`;
  return new StoreError("STORE_UNAVAILABLE", message, options);
}
