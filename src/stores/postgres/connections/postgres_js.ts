/**
 * PostgreSQL through the npm package `postgres`: the connection of stores that have a URL.
 *
 * @module
 */

import { startTimer } from "../../../base/deadline.ts";
import type { StoreError } from "../../../base/errors.ts";
import type { PostgresStoreOptions } from "../options.ts";
import type { ChannelListener, PostgresConnection, Statement } from "./connection.ts";
import { readSettings } from "./settings/settings.ts";
import { Calls, NotBegun } from "./single/calls.ts";
import { Listener } from "./single/listener.ts";
import { Pool } from "./single/pool.ts";

/** Called with what goes wrong in the background. Must not throw. */
export type OnError = (error: StoreError) => void;

/** How long calls that are under way may take when the connection is closed, in milliseconds. */
const CLOSE_MS = 400;

/**
 * Makes a connection. Nothing is opened before the first use.
 *
 * @throws {ConfigError} If an option cannot be used.
 */
export function openPostgresJs(options: PostgresStoreOptions, onError: OnError = () => {}): PostgresConnection {
  const settings = readSettings(options);
  const { endpoint, listenEndpoint, socketTimeoutMs, prepare, isDurable } = settings;
  const pool = new Pool(settings);
  const calls = new Calls(endpoint.label, socketTimeoutMs);
  const listener = listenEndpoint === undefined ? undefined : new Listener(listenEndpoint, settings, onError);

  const connect = async (isBackground: boolean) => pool.giveBack(await pool.take(isBackground));
  const query = async (statement: Statement, isBackground: boolean) => {
    const session = await pool.take(isBackground);
    try {
      return await calls.query(session, statement);
    } finally {
      pool.giveBack(session);
    }
  };
  const connection: PostgresConnection = {
    url: endpoint.label,
    ...(prepare ? { sessions: { commitsAsync: !isDurable } } : {}),
    isUp: () => pool.isUp,
    background: {
      url: endpoint.label,
      connect: () => connect(true),
      query: (statement) => query(statement, true),
    },
    query: (statement) => query(statement, false),
    async transaction(first, next) {
      const run = async () => {
        const session = await pool.take();
        return await calls.transaction(session, first, next, () => pool.giveBack(session));
      };
      try {
        return await run();
      } catch (failure) {
        if (!(failure instanceof NotBegun)) throw failure;
      }
      // The session was lost, as after a restart of the server, and nothing has run.
      return await run().catch((failure: unknown) => {
        throw failure instanceof NotBegun ? failure.error : failure;
      });
    },
    connect: () => connect(false),
    prepare: () => pool.prepare(),
    async close() {
      listener?.close();
      const idle = pool.close();
      let timer: ReturnType<typeof startTimer> | undefined;
      await Promise.race([idle, new Promise<void>((resolve) => timer = startTimer(CLOSE_MS, resolve))]);
      timer?.cancel();
      pool.destroy();
    },
  };
  if (listener !== undefined) {
    connection.listen = (channel: string, to: ChannelListener) => listener.listen(channel, to);
  }
  return connection;
}
