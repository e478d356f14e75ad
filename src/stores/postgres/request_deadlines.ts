/**
 * The time of requests: one may wait behind others, for a connection, for a transaction that runs again, and for news of what
 * became of it. Each of these has an end of its own, and together they could take half a minute.
 *
 * @module
 */

import { systemClock } from "../../base/clock.ts";
import { DeadlineLine } from "../../base/deadline.ts";
import { StoreError } from "../../base/errors.ts";
import type { PostgresConnection } from "./connections/connection.ts";
import { silentError } from "./connections/errors.ts";
import { SOCKET_TIMEOUT_MS } from "./connections/settings/settings.ts";
import type { NamedRequest, Reply } from "./named_request.ts";

/** How much later than a single step a request ends, in milliseconds: a step that takes all the time says more about it. */
const LATER_MS = 100;

/** What late requests need of a connection. */
type Way = Pick<PostgresConnection, "url" | "isUp">;

/** Stands in the places of requests that are not sent any more. */
const NOT_SENT = new Error("The request is late");

/** Requests that have to be answered in time. */
export class RequestDeadlines {
  readonly #line: DeadlineLine<NamedRequest>;
  readonly #lateError: (named: NamedRequest) => StoreError;

  /**
   * @param connection The way to the database.
   * @param timeoutMs How long a request may take in all, in milliseconds.
   */
  constructor(connection: Way, timeoutMs: number = SOCKET_TIMEOUT_MS) {
    this.#line = new DeadlineLine((timeoutMs + LATER_MS) * 1_000, (named) => named.expire());
    this.#lateError = ({ isSent }) =>
      (isSent ? undefined : unreached(connection)) ??
        silentError({ label: labelOf(connection), mayHaveRun: isSent }, timeoutMs);
  }

  /**
   * Waits for the outcome of a request until its time is over. Then it is late: if it was not sent yet, it is never sent.
   *
   * @param named The request.
   * @param asked Its outcome.
   * @throws {StoreError} Once its time is over.
   */
  within(named: NamedRequest, asked: Promise<Reply>): Promise<Reply> {
    return new Promise((resolve, reject) => {
      named.onLate = () => reject(this.#lateError(named));
      this.#line.add(named, systemClock.nowUs());
      asked.then((reply) => {
        if (this.#line.delete(named)) resolve(reply);
      }, (error) => {
        if (this.#line.delete(named)) reject(error);
      });
    });
  }
}

/**
 * Sends the requests of a batch that are not late.
 *
 * @param batch The requests.
 * @param send Sends some of them.
 * @returns The replies. Nothing reads what stands in the places of late requests: their callers have an error already.
 */
export async function sendInTime(
  batch: readonly NamedRequest[],
  send: (awaited: readonly NamedRequest[]) => Promise<readonly (Reply | Error)[]>,
): Promise<readonly (Reply | Error)[]> {
  const awaited = batch.some(({ isLate }) => isLate) ? batch.filter(({ isLate }) => !isLate) : batch;
  for (const named of awaited) named.isSent = true;
  if (awaited.length === batch.length) return await send(batch);
  const replies = awaited.length === 0 ? [] : await send(awaited);
  let next = 0;
  return batch.map((named) => named.isSent ? replies[next++] as Reply | Error : NOT_SENT);
}

/** Why nothing can be sent now: there is no connection. Undefined if there is one, or that is not known. */
export function unreached(connection: Way): StoreError | undefined {
  if (connection.isUp?.() !== false) return undefined;
  const message = `Cannot reach PostgreSQL at ${labelOf(connection)}: there is no connection yet`;
  return new StoreError("STORE_UNAVAILABLE", message, { reason: "connect_timeout" });
}

function labelOf({ url = "PostgreSQL" }: Way): string {
  return url;
}
