/**
 * The search for a connection that answers: before a call is sent through one that may be gone, and while one is quiet.
 * Nothing is sent twice: what is sent here decides nothing.
 *
 * @module
 */

import { sleepUntil, systemClock } from "../../../../base/clock.ts";
import { withTimeout } from "../../../../base/deadline.ts";
import { RateSyncError, StoreError } from "../../../../base/errors.ts";
import { afterTurns } from "../../../../base/turn.ts";
import type { CommandClient } from "./client.ts";
import { openTimeoutError } from "../errors.ts";
import { NoneAnswered, race } from "../race.ts";
import type { KeptConnection } from "./kept_connection.ts";
import type { ConnectionSettings } from "../settings/settings.ts";

/** How long connections may be silent before others are asked as well, in milliseconds. */
const STAGGER_MS = 100;
/** What was answered on two connections may be read in any order, within so many milliseconds and turns of the event loop. */
const GRACE_MS = 50;
const GRACE_TURNS = 4;
/** How often another connection is asked and answers, one after the other, before a quiet one counts as gone. */
const ROUND_TRIPS = 4;
/** How long one attempt to open a connection may take, in milliseconds, before another one is made. */
const REDIAL_MS = 1_000;
/** How long after a failed attempt another one is made, in milliseconds, while other connections may still answer. */
const REDIAL_PAUSE_MS = 200;

/**
 * A script like those of decisions: whatever holds them up, such as `CLIENT PAUSE WRITE`, holds this up as well, where
 * `PING` would be answered.
 */
export function probe(redis: CommandClient): Promise<unknown> {
  return redis.sendCommand(["EVAL", "return 1", "0"]);
}

/**
 * Waits until an answer on a connection would have been heard. Time alone proves nothing: on a busy machine a timer
 * that is late fires before sockets are read, and a server that gets little processor time takes long to read a large
 * command. Such a server reads a part of what each connection has sent, then writes its answers, and begins anew. So the
 * other connection is asked several times. It holds the process: calls may wait for this alone.
 *
 * @param connection The connection that may be gone.
 * @param sinceUs Since when nothing was heard of it, in microseconds.
 * @param other One that has answered what was sent later.
 * @returns Whether it is up and gone. It is not if it was heard meanwhile, or if the other one answers no more.
 */
export async function isGone(
  connection: KeptConnection,
  sinceUs: number,
  other: Pick<KeptConnection, "call">,
): Promise<boolean> {
  const isQuiet = () => connection.isUp && connection.calls.heardUs < sinceUs;
  const untilUs = systemClock.nowUs() + GRACE_MS * 1_000;
  for (let trips = 0; trips < ROUND_TRIPS && isQuiet(); trips++) {
    try {
      await other.call(probe);
    } catch (error) {
      if (!isRefusal(error)) return false;
    }
  }
  if (isQuiet()) await sleepUntil(systemClock, untilUs);
  if (isQuiet()) await new Promise<void>((resolve) => afterTurns(GRACE_TURNS, resolve));
  return isQuiet();
}

/** Where to look. */
export interface SearchPlaces {
  /** Connections that are up, in groups: those of a group are asked together, the next group if they are silent. */
  readonly groups: readonly (readonly KeptConnection[])[];
  /** Makes a connection that is not open yet. It is closed unless it is the one that is found. */
  newConnection(): KeptConnection;
  /** How long connecting, and an answer, may take. */
  readonly settings: ConnectionSettings;
  /** Ends the search; it then rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/**
 * Finds a connection that answers: one that is up, or a new one.
 *
 * @returns The first that has answered.
 * @throws {StoreError} If none does, within the time of a command.
 */
export async function findAnswering(
  { groups, newConnection, settings, signal }: SearchPlaces,
): Promise<KeptConnection> {
  const end = new AbortController();
  const abort = () => end.abort(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  let waiting = groups.flat().length;
  const ask = (connection: KeptConnection) => answers(connection).finally(() => waiting--);
  const tasks = groups.filter((group) => group.length > 0).map((group) => () => Promise.any(group.map(ask)));
  const dial = (until: AbortSignal) => openNew(newConnection, until, () => waiting > 0);
  try {
    return await withTimeout(
      race([...tasks, dial], end.signal, STAGGER_MS),
      settings.socketTimeoutMs,
      () => openTimeoutError(settings.endpoint, false, settings.socketTimeoutMs),
    );
  } catch (error) {
    throw error instanceof NoneAnswered ? lastOf(error.errors) : error;
  } finally {
    signal.removeEventListener("abort", abort);
    end.abort(new Error("another answered"));
  }
}

/** Resolves when a connection has answered. A refusal is an answer: who may run no script hears that from the call itself. */
async function answers(connection: KeptConnection): Promise<KeptConnection> {
  try {
    await connection.call(probe);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  return connection;
}

function isRefusal(error: unknown): boolean {
  return RateSyncError.is(error) && error.code === "STORE_REFUSED";
}

/** Opens a new connection; again and again while another one may still answer, because a server may come back. */
async function openNew(
  newConnection: () => KeptConnection,
  signal: AbortSignal,
  mayWait: () => boolean,
): Promise<KeptConnection> {
  for (;;) {
    const connection = newConnection();
    const close = () => void connection.close();
    signal.addEventListener("abort", close, { once: true });
    try {
      // Where others are silent, it has to do better than being open.
      const opened = connection.open().then(() => mayWait() ? answers(connection) : connection);
      await withTimeout(opened, REDIAL_MS, () => new Error("no connection in time"));
      if (!signal.aborted) return connection;
    } catch (error) {
      void connection.close();
      const isSlow = !RateSyncError.is(error);
      if (signal.aborted || (!mayWait() && !isSlow)) throw error;
      if (!isSlow) await sleepUntil(systemClock, systemClock.nowUs() + REDIAL_PAUSE_MS * 1_000);
    } finally {
      signal.removeEventListener("abort", close);
    }
    signal.throwIfAborted();
  }
}

/** The error that tells most: of the new connection, which was tried last. */
function lastOf(errors: readonly unknown[]): unknown {
  const all = errors.flatMap((error) => error instanceof AggregateError ? error.errors as unknown[] : [error]);
  return errors.findLast((error) => error instanceof StoreError) ?? all.at(-1);
}
