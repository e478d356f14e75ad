/**
 * Rows that another session holds for longer than a statement waits for a row.
 *
 * One such row makes the statement of a whole batch fail. So the store looks who holds what: requests about held rows
 * fail, and the others are sent again. While the same transaction holds a row, later requests about it fail at once, after
 * another look, and nothing waits behind them.
 *
 * @module
 */

import { systemClock } from "../../base/clock.ts";
import { withTimeout } from "../../base/deadline.ts";
import { StoreError } from "../../base/errors.ts";
import type { PostgresConnection } from "./connections/connection.ts";
import { sqlStateOf } from "./connections/errors.ts";
import type { NamedRequest, Reply } from "./named_request.ts";
import type { PostgresNames } from "./names.ts";
import { arrayLiteral } from "./sql_text.ts";

/** How long a look may take, in milliseconds: a lock on the whole table stops it too. */
const LOOK_MS = 250;

/** How long a held row is remembered without a request about it, in microseconds. */
const REMEMBERED_US = 60_000_000;

/** Sends some requests; throws only if that did nothing. */
type Send = (batch: readonly NamedRequest[]) => Promise<readonly (Reply | Error)[]>;

/** A row that is held. */
interface HeldRow {
  /** The number of the transaction. */
  readonly holder: string;
  readonly foundUs: number;
  /** What the requests failed with that waited for it. */
  readonly error: Error;
}

/** Keeps requests about rows that are held away from the others. */
export class BusyRows {
  readonly #connection: Pick<PostgresConnection, "query">;
  readonly #text: string;
  readonly #held = new Map<string, HeldRow>();

  /**
   * Asks nothing yet.
   *
   * @param connection The way to the database.
   * @param names The names of the tables.
   */
  constructor(connection: Pick<PostgresConnection, "query">, names: PostgresNames) {
    this.#connection = connection;
    // The version of a row that others see names the transaction that locks or replaces it. Such a transaction has a lock on
    // its own number until it ends.
    this.#text = `SELECT k.key, l.transactionid::text AS holder FROM ${names.of("keys")} k
      LEFT JOIN pg_locks l ON l.locktype = 'transactionid' AND l.granted AND l.mode = 'ExclusiveLock' AND l.transactionid = k.xmax
      WHERE k.key = ANY ($1::text::text[])`;
  }

  /** Decides about a batch, as `send` does it, without the requests whose rows are held. */
  async decide(batch: readonly NamedRequest[], send: Send): Promise<readonly (Reply | Error)[]> {
    const held = this.#held.size === 0 ? undefined : await this.#stillHeld(batch);
    if (held === undefined || held.size === 0) return await this.#try(batch, send);
    const rest = batch.filter((request) => !held.has(request));
    const replies = rest.length === 0 ? [] : await this.#try(rest, send).catch((error: Error) => rest.map(() => error));
    let next = 0;
    return batch.map((request) => held.get(request) ?? replies[next++] as Reply | Error);
  }

  async #try(batch: readonly NamedRequest[], send: Send): Promise<readonly (Reply | Error)[]> {
    const outcome = await send(batch).catch((error: Error) => isBusy(error) ? error : Promise.reject(error));
    const replies = outcome instanceof Error ? batch.map(() => outcome) : outcome;
    const error = replies.find(isBusy);
    if (error === undefined) return replies;
    const busy = batch.filter((_, i) => isBusy(replies[i]));
    const holders = await this.#look(busy);
    this.#remember(holders, error);
    // If no row of others is held, a transaction that stands still may be about to add one that is not there yet.
    const isFound = [...holders.values()].some((holder) => holder !== null);
    const isFree = (key: string) => isFound ? !holders.get(key) : holders.has(key);
    const free = new Set(busy.filter(({ keys }) => keys.every(isFree)));
    // Where it is not clear who holds what, or all are free by now, they have waited long enough.
    if (free.size === 0 || free.size === busy.length) {
      return outcome instanceof Error ? Promise.reject(outcome) : replies;
    }
    const again = await send([...free]).catch((failure: Error) => [...free].map(() => failure));
    let next = 0;
    return batch.map((request, i) => (free.has(request) ? again[next++] : replies[i]) as Reply | Error);
  }

  /** The requests about rows that are held by the transaction that held them before, and what they fail with. */
  async #stillHeld(batch: readonly NamedRequest[]): Promise<ReadonlyMap<NamedRequest, Error>> {
    const found = new Map<NamedRequest, Error>();
    const known = batch.filter(({ keys }) => keys.some((key) => this.#held.has(key)));
    if (known.length === 0) return found;
    const holders = await this.#look(known);
    for (const request of known) {
      for (const key of request.keys) {
        const row = this.#held.get(key);
        if (row !== undefined && row.holder === holders.get(key)) found.set(request, row.error);
        else this.#held.delete(key);
      }
    }
    return found;
  }

  #remember(holders: ReadonlyMap<string, string | null>, error: Error): void {
    const foundUs = systemClock.nowUs();
    for (const [key, row] of this.#held) if (foundUs - row.foundUs > REMEMBERED_US) this.#held.delete(key);
    for (const [key, holder] of holders) if (holder !== null) this.#held.set(key, { holder, foundUs, error });
  }

  /** The rows of requests that others see, with the transaction that holds each, or null. Empty where that is not known. */
  async #look(requests: readonly NamedRequest[]): Promise<ReadonlyMap<string, string | null>> {
    const keys = [...new Set(requests.flatMap((request) => request.keys))];
    const looked = this.#connection.query({ name: "held_1", text: this.#text, values: [arrayLiteral(keys)] });
    const rows = await withTimeout(looked, LOOK_MS, () => new Error("The look took too long")).catch(() => []);
    return new Map(rows.map((row) => [row["key"] as string, row["holder"] as string | null]));
  }
}

/** How PostgreSQL ends a statement that waits for a row: by `lock_timeout`, or by a `statement_timeout` that is less. */
const ENDED: readonly unknown[] = ["55P03", "57014"];

/** Whether a statement has waited for a row for too long: nothing of it has run. */
function isBusy(outcome: unknown): outcome is StoreError {
  return outcome instanceof StoreError && ENDED.includes(sqlStateOf(outcome.cause));
}
