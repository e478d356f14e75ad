/**
 * Opening one connection to NATS. The client never reconnects by itself: the link opens a new one, with credentials that
 * are fresh.
 *
 * @module
 */

import type { ConnectionOptions, TlsOptions } from "@nats-io/transport-node";

import { systemClock } from "../../../base/clock.ts";
import { withTimeout } from "../../../base/deadline.ts";
import type { StoreError } from "../../../base/errors.ts";
import { isPermanent } from "../../../base/permanent.ts";
import { askCredential } from "../../credentials.ts";
import { isAddress } from "../../tls_options.ts";
import type { NatsCredentials, NatsPlace } from "../settings/settings.ts";
import type { NatsClient } from "./client.ts";
import { loadNatsDriver, type NatsDriver } from "./driver.ts";
import { openError } from "./errors.ts";
import { hearGreeting } from "./greeting.ts";

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
  /** The server of the connection before, which may hang; it is tried as the last one. */
  readonly last?: string | undefined;
}

/**
 * Opens a connection to a server that answers. They are tried one after the other, in a random order.
 *
 * @throws {StoreError} If none does, or one refuses.
 */
export async function openNats(
  place: NatsPlace,
  { timeoutMs, others, last }: OpenNatsOptions,
): Promise<{ readonly client: NatsClient; readonly server: string }> {
  const driver = await loadNatsDriver();
  const untilUs = systemClock.nowUs() + timeoutMs * 1_000;
  const credentials = await ask(place, timeoutMs);
  const servers = shuffled([...new Set([...place.servers, ...others])])
    .sort((one, other) => Number(one === last) - Number(other === last));
  let failure: StoreError | undefined;
  for (const [i, server] of servers.entries()) {
    // One that is silent leaves time for the others.
    const leftMs = Math.max((untilUs - systemClock.nowUs()) / 1_000 / (servers.length - i), 1);
    try {
      await hearGreeting(server, leftMs);
      return { client: await openOne(driver, { place, server, credentials, leftMs }), server };
    } catch (cause) {
      const error = openError(place, timeoutMs, cause);
      if (failure === undefined || !isPermanent(failure.reason)) failure = error;
    }
  }
  throw failure;
}

interface OneServer {
  readonly place: NatsPlace;
  readonly server: string;
  readonly credentials: KnownCredentials;
  readonly leftMs: number;
}

async function openOne(
  driver: NatsDriver,
  { place, server, credentials, leftMs }: OneServer,
): Promise<NatsClient> {
  const opening = driver.connect({
    servers: [server],
    name: "ratesync",
    reconnect: false,
    timeout: leftMs,
    pingInterval: NO_PINGS_MS,
    ...place.isEncrypted || Object.keys(place.tls).length > 0 ? { tls: tlsFor(place, server) } : {},
    ...authOf(driver, credentials),
  });
  try {
    const client = await withTimeout(opening, leftMs, () => new driver.TimeoutError());
    letEnd(client as ClientParts);
    return client;
  } catch (cause) {
    opening.then((late) => late.close(), () => {});
    throw cause;
  }
}

/** What the handshake needs. A server that another one has told of by its address has the name of the URL's. */
function tlsFor({ tls, servers }: NatsPlace, server: string): TlsOptions {
  const hostOf = (one: string) => one.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  const host = hostOf(server);
  const name = servers.includes(server) ? undefined : servers.map(hostOf).find((one) => !isAddress(one));
  if (!isAddress(host)) return { ...tls };
  // Deno takes the name of a socket that is there already for localhost.
  return {
    ...tls,
    host,
    ...name === undefined || tls.servername !== undefined ? {} : { servername: name },
  } as TlsOptions;
}

function shuffled<Item>(items: Item[]): Item[] {
  for (let i = items.length - 1; i > 0; i--) {
    const other = Math.floor(Math.random() * (i + 1));
    [items[i], items[other]] = [items[other] as Item, items[i] as Item];
  }
  return items;
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
  const use = { where: `NATS at ${place.label}`, timeoutMs };
  const [user, secret, word] = await Promise.all([
    askCredential(username, { ...use, option: "username" }),
    askCredential(password, { ...use, option: "password" }),
    askCredential(token, { ...use, option: "token" }),
  ]);
  return { ...rest, username: user, password: secret, token: word };
}
