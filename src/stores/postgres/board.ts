/**
 * The board of a PostgreSQL store: a row for each report, and one that tells when the board was read last.
 *
 * @module
 */

import { systemClock } from "../../base/clock.ts";
import { type Board, type BoardPost, isPostId, MAX_POST, MAX_POSTS, WATCHED_MS } from "../board.ts";
import type { Row, Statement } from "./connections/connection.ts";
import type { PostgresNames } from "./names.ts";
import { SERVER_US } from "./sql_text.ts";

/** How often a process that makes calls checks whether there is a watcher, in microseconds. */
const LOOK_US = 2_000_000;

/** The id of the row that tells of the watcher; no process has it. */
const WATCHER = "";

/** Whether a row is recent enough to count. */
const IS_RECENT = `sent > ${SERVER_US} - ${WATCHED_MS * 1_000}`;

/** What the board needs of its store. */
export interface PostgresBoardOptions {
  readonly names: PostgresNames;
  /** Runs a statement, once the tables are there. */
  query(statement: Statement): Promise<readonly Row[]>;
}

/** The board of one store. It lives in real time. */
export class PostgresBoard implements Board {
  readonly #options: PostgresBoardOptions;
  readonly #table: string;
  readonly #noticers = new Set<() => void>();
  #nextLookUs: number | undefined;

  /**
   * @param options What it needs of its store.
   */
  constructor(options: PostgresBoardOptions) {
    this.#options = options;
    this.#table = options.names.of("board");
  }

  /** Has `watched` called when this process learns that there is a watcher. */
  notice(watched: () => void): () => void {
    this.#noticers.add(watched);
    return () => void this.#noticers.delete(watched);
  }

  /** The store has sent calls: now and then it looks whether there is a watcher. */
  used(): void {
    if (this.#noticers.size === 0) return;
    const nowUs = systemClock.nowUs();
    // A process that ends soon has nothing to report.
    if (this.#nextLookUs === undefined) this.#lookLater();
    else if (nowUs >= this.#nextLookUs) void this.#look();
  }

  /** Posts, if there is a watcher. */
  async post(id: string, text: string): Promise<boolean> {
    this.#lookLater();
    const rows = await this.#options.query({
      name: "post_1",
      text: `INSERT INTO ${this.#table} (id, message, sent) SELECT $1::text, $2::text, ${SERVER_US}
        WHERE EXISTS (SELECT FROM ${this.#table} WHERE id = '${WATCHER}' AND ${IS_RECENT})
        ON CONFLICT (id) DO UPDATE SET message = excluded.message, sent = excluded.sent RETURNING id`,
      values: [id, JSON.stringify(text)], // texts of PostgreSQL cannot hold everything
    });
    return rows.length > 0;
  }

  /** Says that there is a watcher, and reads what processes have posted. */
  async read(): Promise<readonly BoardPost[]> {
    const rows = await this.#options.query({
      name: "watch_1",
      text: `WITH watched AS (
          INSERT INTO ${this.#table} (id, message, sent) VALUES ('${WATCHER}', '', ${SERVER_US})
            ON CONFLICT (id) DO UPDATE SET sent = excluded.sent
        ), gone AS (
          DELETE FROM ${this.#table} WHERE id <> '${WATCHER}' AND sent < ${SERVER_US} - ${10 * WATCHED_MS * 1_000}
        )
        SELECT id, CASE WHEN length(message) <= ${6 * MAX_POST + 2} THEN message END AS message FROM ${this.#table}
          WHERE id <> '${WATCHER}' AND ${IS_RECENT} ORDER BY id LIMIT ${MAX_POSTS}`,
      values: [],
    });
    return rows.flatMap(({ id, message }) => isPostId(id ?? "") ? [{ id: id as string, text: textOf(message) }] : []);
  }

  /** Never rejects: whether there is a watcher has nothing to do with decisions. */
  async #look(): Promise<void> {
    this.#lookLater();
    try {
      const text = `SELECT id FROM ${this.#table} WHERE id = '${WATCHER}' AND ${IS_RECENT}`;
      const rows = await this.#options.query({ name: "watched_1", text, values: [] });
      if (rows.length > 0) { for (const watched of this.#noticers) watched(); }
    } catch {
      // What is wrong shows at the decisions.
    }
  }

  #lookLater(): void {
    this.#nextLookUs = systemClock.nowUs() + LOOK_US;
  }
}

function textOf(message: string | null | undefined): string | undefined {
  try {
    const text: unknown = JSON.parse(message ?? "");
    return typeof text === "string" && text.length <= MAX_POST ? text : undefined;
  } catch {
    return undefined;
  }
}
