/**
 * One attempt to open one node-redis client, and its end. node-redis itself never retries and queues nothing while
 * offline: retrying is done by the connection, with timers that do not keep the process alive.
 *
 * @module
 */

import { keepAlive, withTimeout } from "../../../../base/deadline.ts";
import { RateSyncError, StoreError } from "../../../../base/errors.ts";
import { askCredentials, type KnownPlace } from "../../../credentials.ts";
import { withAdvice } from "../../refusal.ts";
import { type Driver, importDriver } from "./driver.ts";
import {
  type Failure,
  handshakeError,
  openClosedError,
  openError,
  openTimeoutError,
  protocolError,
} from "../errors.ts";
import { tlsReason } from "../../../tls_reason.ts";
import { isAddress, type TlsSettings } from "../../../tls_options.ts";
import type { Endpoint } from "../settings/url.ts";

/** What calls need of a client, whatever driver it is of. */
export interface CommandClient {
  /** Sends one command. */
  sendCommand<T>(args: readonly string[]): Promise<T>;
  /** Subscribes to a channel. */
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
}

/** What is used of a node-redis client. */
export interface NodeRedisClient extends CommandClient {
  /** Whether it has not given up or been destroyed. */
  readonly isOpen: boolean;
  /** Opens the socket and shakes hands. */
  connect(): Promise<unknown>;
  /** Disconnects; what is in flight rejects. */
  destroy(): void;
  /** Lets its socket keep the process alive, as it does from the start. */
  ref(): void;
  /** Lets the process end while its socket is open. */
  unref(): void;
  /** Listens to the client's events. */
  on(event: "connect" | "error", listener: (error: unknown) => void): unknown;
}

/** A client that is connected and authenticated. */
export interface OpenClient {
  /** The client itself. */
  readonly redis: CommandClient;
  /** Whether it was closed, or lost. */
  readonly isEnded: boolean;
  /** Sorts what a command rejected with. */
  failure(cause: unknown): Failure;
  /** Disconnects; what is in flight rejects. `onLost` is not called. */
  close(): void;
  /** Lets the connection keep the process alive, or not; absent where that is not ours to say. */
  readonly life?: Pick<NodeRedisClient, "ref" | "unref">;
}

/** How to open a client. */
export interface OpenClientOptions {
  /** How it is encrypted, where the endpoint says that it is. */
  readonly tls: TlsSettings;
  /** How long it may take, in milliseconds, with the handshake. */
  readonly timeoutMs: number;
  /** Gives the attempt up; it then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Whether the process may end meanwhile, as far as the runtime lets it. @default {false} */
  readonly background?: boolean;
  /** Whether a Redis has answered there before: then an early end of a connection is no mistake of the configuration. */
  readonly isKnown?: boolean | undefined;
  /** Called once when the open connection has ended by itself. The client has been destroyed. */
  onLost(client: OpenClient, cause: unknown): void;
}

/**
 * Opens one client.
 *
 * @param place Where to, and who we are there.
 * @param options How.
 * @throws {StoreError} If there is no server, it does not answer, is not Redis, or refuses.
 */
export async function openClient(
  place: Endpoint,
  { timeoutMs, ...rest }: OpenClientOptions,
): Promise<OpenClient> {
  const driver = await loadDriver();
  const asked = askCredentials(place, timeoutMs, "Redis");
  // A function that gives the password has no socket that would keep the process alive for the call that waits.
  const life = rest.background ? undefined : keepAlive();
  const { place: endpoint, leftMs } = await unlessAborted(asked, rest.signal).finally(() => life?.cancel());
  const options: OpenClientOptions = { ...rest, timeoutMs: leftMs };
  options.signal.throwIfAborted();
  const redis = createClient(driver, endpoint, options);
  const failure = (cause: unknown) => ({ cause, isReply: cause instanceof driver.ErrorReply });

  let isEnded = false;
  let isAccepted = false;
  let onError: (cause: unknown) => void = () => {};
  const client: OpenClient = {
    redis,
    get isEnded() {
      return isEnded;
    },
    failure,
    close: () => {
      isEnded = true;
      redis.destroy();
    },
    life: redis,
  };
  if (options.background) redis.unref();
  redis.on("connect", () => {
    isAccepted = true;
    // node-redis cannot destroy a socket that is still connecting: it would go on, and stay.
    if (isEnded) redis.destroy();
  });
  redis.on("error", (cause) => {
    if (!isEnded) onError(cause);
  });

  const opened = new Promise<void>((resolve, reject) => {
    // While the socket lives, what is wrong is what came through it.
    onError = (cause) => reject(redis.isOpen ? protocolError(endpoint, cause) : cause);
    redis.connect().then(() => {
      onError = (cause) => {
        client.close();
        options.onLost(client, cause);
      };
      resolve();
    }, reject);
  });
  try {
    await withTimeout(
      unlessAborted(opened, options.signal),
      leftMs,
      () => openTimeoutError(endpoint, isAccepted, timeoutMs),
    );
  } catch (cause) {
    client.close();
    if (RateSyncError.is(cause)) throw cause;
    if (cause instanceof driver.ConnectionTimeoutError) {
      throw openTimeoutError(endpoint, isAccepted, timeoutMs);
    }
    const reason = endpoint.tls ? tlsReason(cause, options.tls) : undefined;
    if (reason !== undefined) throw handshakeError(endpoint, reason, cause);
    const isCutOff = cause instanceof driver.SocketClosedUnexpectedlyError ||
      ["ECONNRESET", "EPIPE"].includes(String((cause as { code?: unknown }).code));
    throw isAccepted && isCutOff
      ? openClosedError(endpoint, cause, options.isKnown)
      : openError(endpoint, failure(cause));
  }
  return client;
}

/**
 * Loads node-redis. The first time that takes longer than a decision may.
 *
 * @throws {StoreError} If it is not installed.
 * @internal
 */
export async function loadDriver(): Promise<Driver> {
  try {
    return await importDriver();
  } catch (cause) {
    const what = `Cannot load the npm package "@redis/client": ${cause instanceof Error ? cause.message : cause}`;
    const reason = "driver_missing";
    throw new StoreError("STORE_UNAVAILABLE", withAdvice(what, reason), { cause, reason });
  }
}

/**
 * A client that is not open yet. `createClient` of node-redis would first make a class with every command of Redis, which
 * takes a thirtieth of the time from the start of a process to its first decision; we send commands as they are.
 */
function createClient(
  driver: Driver,
  { host, port, socketPath, family, tls: isEncrypted, db, username, password }: KnownPlace<Endpoint>,
  { tls, timeoutMs }: OpenClientOptions,
): NodeRedisClient {
  const common = {
    ...(socketPath === undefined ? { host, port } : { path: socketPath }),
    ...(family === undefined ? {} : { family }),
    connectTimeout: timeoutMs,
    reconnectStrategy: false,
  } as const;
  // A socket with a signal has a listener for errors from the start. Without one, an alert that follows the handshake
  // at once, such as "certificate required", comes before node-redis listens, and ends the process on Deno.
  const signal = new AbortController().signal;
  // Node tells the server the name that it looks for only if it is given one; an address is no name.
  const servername = isAddress(host) ? {} : { servername: host };
  const encrypted = { ...common, ...servername, ...tls, tls: true, signal } as const;
  return new driver.RedisClient({
    name: "ratesync",
    disableOfflineQueue: true,
    // Its default is one AbortSignal.timeout per command, which ends when the command is written.
    commandOptions: { timeout: 0 },
    // Both only add commands to the handshake that servers before 7.2 count as errors.
    disableClientInfo: true,
    maintNotifications: "disabled",
    socket: isEncrypted ? encrypted : common,
    database: db,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  });
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
