/**
 * One session of the server, over one socket. The driver would connect again by itself, with timers that keep the process
 * alive; it gets one socket only, and what comes after that is for the pool.
 *
 * @module
 */

import type { Socket } from "node:net";

import { startTimer } from "../../../../base/deadline.ts";
import { StoreError } from "../../../../base/errors.ts";
import { inNextTurn } from "../../../../base/turn.ts";
import { askCredentials } from "../../../credentials.ts";
import { withAdvice } from "../../refusal.ts";
import { type Row, SESSION_SETTINGS, type Statement } from "../connection.ts";
import { openError, unreachable } from "../errors.ts";
import { checkServer } from "../server_version.ts";
import type { ConnectionSettings, Endpoint } from "../settings/settings.ts";
import type { Address } from "../settings/url_text.ts";
import { loadDriver } from "./driver.ts";
import { openSocket } from "./socket.ts";

/** How the protocol says goodbye. */
const TERMINATE = new Uint8Array([88, 0, 0, 0, 4]);
/** How long a connection may take to end, in milliseconds. */
const END_MS = 400;
/** Asks for the settings that statements of the store need. */
const SHOW_SETTINGS = `select name, setting from pg_settings where name in (${
  Object.keys(SESSION_SETTINGS).map((name) => `'${name}'`).join(", ")
})`;

/** A session. */
export interface Session {
  /** Whether it is there. */
  readonly isOpen: boolean;
  /** Sends a statement behind those that were sent before, without waiting for their answers. */
  run(statement: Statement): Promise<readonly Row[]>;
  /** Whether the connection keeps the process alive. */
  hold(isHeld: boolean): void;
  /** Ends it. What is under way rejects. */
  close(): void;
  /** Breaks it off, where the server does not answer. What is under way rejects. */
  destroy(): void;
}

/** How a session is opened. */
export interface SessionOptions extends Pick<ConnectionSettings, "prepare" | "isDurable" | "socketConnectTimeoutMs"> {
  /** How long the server lets a statement run, in milliseconds; absent for its own limit. */
  readonly statementTimeoutMs?: number;
  /** Gives the attempt up; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Whether the process may end meanwhile. */
  readonly isBackground?: boolean;
  /** Takes messages of channels. */
  readonly onMessage?: (channel: string, payload: string) => void;
  /** Called once when an open session has ended. */
  readonly onEnd: () => void;
}

/**
 * Opens a session at the first server that is reached and takes writes.
 *
 * @throws {StoreError} If there is none: the error of the server that came closest to it.
 */
export async function openSession(endpoint: Endpoint, options: SessionOptions): Promise<Session> {
  let last: StoreError | undefined;
  for (const address of endpoint.addresses) {
    try {
      return await openAt(endpoint, address, options);
    } catch (error) {
      const found = openError(endpoint.label, error);
      if (last === undefined || found.code === "STORE_REFUSED") last = found;
    }
  }
  throw last;
}

async function openAt(endpoint: Endpoint, address: Address, options: SessionOptions): Promise<Session> {
  const { label } = endpoint;
  const { socketConnectTimeoutMs: timeoutMs, prepare } = options;
  const settings = sessionSettings(options);
  const postgres = await loadDriver();
  const { place, leftMs } = await askCredentials(endpoint, timeoutMs, "PostgreSQL");
  const attempt = new AbortController();
  let socket: Socket | undefined;
  let isOpen = false;
  let onEnd = () => {};
  /** Statements under way. Of a connection that was lost, the driver rejects only some: the others would wait for ever. */
  const pending = new Set<(error: Error) => void>();
  const timer = startTimer(leftMs, () => attempt.abort(timeoutError(label, socket !== undefined, timeoutMs)));
  const giveUp = () => attempt.abort(options.signal?.reason);
  if (options.signal?.aborted) giveUp();
  options.signal?.addEventListener("abort", giveUp, { once: true });

  const sql = postgres({
    host: address.host,
    port: address.port,
    ...(place.database === undefined ? {} : { database: place.database }),
    ...(place.username === undefined ? {} : { user: place.username }),
    pass: place.password ?? "",
    max: 1,
    ssl: false,
    prepare,
    fetch_types: false,
    no_subscribe: true,
    connect_timeout: 0,
    idle_timeout: 0,
    max_lifetime: null,
    keep_alive: 30,
    onnotice: () => {},
    ...(options.onMessage === undefined ? {} : { onnotify: options.onMessage }),
    connection: { application_name: "ratesync", ...settings },
    // Each call is for another socket: the second one comes after the first was lost.
    socket: async () => {
      if (socket !== undefined) throw closedError(label);
      const opened = await openSocket(endpoint, address, attempt.signal);
      opened.on("close", () => {
        isOpen = false;
        onEnd();
        inNextTurn(() => pending.forEach((reject) => reject(new Error("the connection was closed"))));
      });
      if (options.isBackground) opened.unref();
      attempt.signal.addEventListener("abort", () => void opened.destroy(attempt.signal.reason as Error));
      return socket = opened;
    },
  } as object);

  try {
    checkSettings(label, settings, await sql.unsafe(SHOW_SETTINGS));
    const { server_version: version, in_hot_standby: standby } = sql.parameters as Readonly<Record<string, string>>;
    checkServer(label, { version, isStandby: standby === "on" });
  } catch (error) {
    socket?.destroy();
    throw attempt.signal.aborted ? attempt.signal.reason : error;
  } finally {
    timer.cancel();
    options.signal?.removeEventListener("abort", giveUp);
  }
  isOpen = true;
  onEnd = options.onEnd;
  const destroy = () => void socket?.destroy();
  return {
    get isOpen() {
      return isOpen && socket?.destroyed === false; // its end comes a moment after
    },
    run: ({ text, values, name }) =>
      new Promise((resolve, reject) => {
        if (socket?.destroyed) return reject(new Error("the connection was closed"));
        pending.add(reject);
        const settle = (act: () => void) => {
          pending.delete(reject);
          act();
        };
        // The driver writes into the list of values. Its types know no texts: columns are cast to text in the statements.
        sql.unsafe(text, [...values] as never[], { prepare: prepare && name !== undefined }).then(
          (rows) => settle(() => resolve(rows as unknown as Row[])),
          (error) => settle(() => reject(error)),
        );
      }),
    hold: (isHeld) => void (isHeld ? socket?.ref() : socket?.unref()),
    close() {
      isOpen = false;
      socket?.end(TERMINATE);
      socket?.unref();
      startTimer(END_MS, destroy);
    },
    destroy() {
      isOpen = false;
      destroy();
    },
  };
}

/** Poolers refuse them, rightly: the next statement may be in another session. */
function sessionSettings({ prepare, isDurable, statementTimeoutMs }: SessionOptions): Readonly<Record<string, string>> {
  if (!prepare || statementTimeoutMs === undefined) return {};
  return {
    statement_timeout: String(Math.ceil(statementTimeoutMs)),
    ...SESSION_SETTINGS,
    default_transaction_isolation: "read committed",
    ...(isDurable ? {} : { synchronous_commit: "off" }),
  };
}

/**
 * Checks that settings of the session have arrived: a pooler may be told to ignore them, and then calls would wait for rows as
 * long as they may take, and lock them in any order.
 */
function checkSettings(label: string, settings: Readonly<Record<string, string>>, rows: readonly object[]): void {
  for (const { name, setting } of rows as readonly { readonly name: string; readonly setting: string }[]) {
    if ((settings[name] ?? setting) === setting) continue;
    const text = `settings of sessions do not reach the server (${name} is ${setting})`;
    const message = `Cannot use PostgreSQL at ${label}: ${withAdvice(text, "command_missing")}`;
    throw new StoreError("STORE_REFUSED", message, { reason: "command_missing" });
  }
}

function timeoutError(label: string, isAccepted: boolean, ms: number): StoreError {
  const text = isAccepted
    ? `the server accepted the connection but did not answer within ${ms} ms: it hangs, or is not PostgreSQL`
    : `no connection within ${ms} ms`;
  return unreachable(label, text, "connect_timeout");
}

function closedError(label: string): StoreError {
  const text = "the server closed the connection before it answered: it may not be PostgreSQL, or want TLS (sslmode)";
  return unreachable(label, text, "disconnected");
}
