/**
 * What all clients that applications give have in common: the end of a statement's time, what errors mean, and the first
 * look at the server.
 *
 * @module
 */

import { withTimeout } from "../../../../base/deadline.ts";
import { type ChannelListener, type PostgresConnection, type Row, type Statement, TRANSACTION } from "../connection.ts";
import { callError, type Fate, openError, silentError } from "../errors.ts";
import type { Given } from "../place.ts";
import { checkServer } from "../server_version.ts";

/** Makes the second statement of a transaction of the rows of the first. */
export type Next = (rows: readonly Row[]) => Statement | undefined;

/** A client, reduced to what the connection needs. What fails rejects with the client's own errors. */
export interface ClientAdapter {
  /** Runs one statement. */
  query(statement: Statement): Promise<readonly Row[]>;
  /** Runs a transaction, and calls `onCommit` before it is committed. */
  transaction(first: Statement, next: Next, onCommit: () => void): Promise<readonly Row[]>;
  /** Listens, and tells how to end that; absent where the client cannot. */
  listen?(channel: string, listener: ChannelListener): Promise<() => unknown>;
}

/** How long it may take to listen no more, in milliseconds. */
const CLOSE_MS = 400;

const LOOK: Statement = {
  text: "select current_setting('server_version') as version, pg_is_in_recovery()::text as standby",
  values: [],
};

/** The connection of a store over a client. */
export function connectionOver(adapter: ClientAdapter, { label, prepare, socketTimeoutMs }: Given): PostgresConnection {
  const within = async <T>(fate: Fate, work: Promise<T>): Promise<T> => {
    // The client belongs to the application: what is late there stays under way.
    return await withTimeout(work, socketTimeoutMs, () => silentError(fate, socketTimeoutMs));
  };
  const ends: (() => unknown)[] = [];
  const connection: PostgresConnection = {
    url: label,
    async query(statement) {
      const fate = { label, mayHaveRun: true };
      try {
        return await within(fate, adapter.query(statement));
      } catch (cause) {
        throw callError(fate, cause);
      }
    },
    async transaction(first, next) {
      const fate = { label, mayHaveRun: false };
      let thrown: { readonly error: unknown } | undefined;
      let isOver = false;
      const guarded: Next = (rows) => {
        // The caller was told that nothing has run.
        if (isOver) throw new Error("The transaction is late");
        try {
          return next(rows);
        } catch (error) {
          thrown = { error };
          throw error;
        }
      };
      try {
        return await within(fate, adapter.transaction(first, guarded, () => fate.mayHaveRun = true));
      } catch (cause) {
        throw thrown === undefined ? callError(fate, cause) : thrown.error;
      } finally {
        isOver = true;
      }
    },
    async connect() {
      let rows: readonly Row[];
      try {
        rows = await within({ label, mayHaveRun: false }, adapter.query(LOOK));
      } catch (cause) {
        throw openError(label, cause);
      }
      const [row] = rows;
      checkServer(label, { version: row?.["version"], isStandby: row?.["standby"] === "true" });
    },
    async close() {
      const ended = Promise.allSettled(ends.map(async (end) => await end()));
      await withTimeout(ended, CLOSE_MS, () => new Error()).catch(() => {});
    },
  };
  if (prepare && adapter.listen !== undefined) {
    const { listen } = adapter;
    connection.listen = async (channel, listener) => {
      try {
        ends.push(await listen(channel, listener));
      } catch (cause) {
        throw openError(label, cause);
      }
    };
  }
  return connection;
}

/** One connection of a pool, for one transaction. */
export interface Lent {
  /** Runs a statement. */
  run(statement: Statement): Promise<readonly Row[]>;
  /** Gives it back; a broken one is not used again. */
  release(isBroken: boolean): void;
}

/** Runs a transaction on a connection that is lent, and gives it back. */
export async function transactOn(
  lent: Lent,
  first: Statement,
  next: Next,
  onCommit: () => void,
): Promise<readonly Row[]> {
  const run = (text: string) => lent.run({ text, values: [] });
  let isClean = false;
  try {
    run(`begin ${TRANSACTION}`).catch(() => {}); // what is behind it fails too
    const last = next(await lent.run(first));
    onCommit();
    const rows = last === undefined ? [] : await lent.run(last);
    await run("commit");
    isClean = true;
    return rows;
  } catch (error) {
    isClean = await run("rollback").then(() => true, () => false);
    throw error;
  } finally {
    lent.release(!isClean);
  }
}
