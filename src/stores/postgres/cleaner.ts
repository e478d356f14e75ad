/**
 * Forgets keys that cannot be told from fresh ones, while the store is used: without a job beside it.
 *
 * @module
 */

import { systemClock } from "../../base/clock.ts";
import type { PostgresConnection } from "./connections/connection.ts";
import type { PostgresNames } from "./names.ts";

/** How often a process cleans some pages, in microseconds. */
const AGAIN_US = 1_000_000;

/** How many pages it cleans at a time. */
const PAGES = 16;

/** Cleans some pages of the table after the other, again and again. Each process begins at another page. */
export class Cleaner {
  readonly #connection: PostgresConnection;
  readonly #text: string;
  readonly #clock: () => string | null;
  #page = 0;
  #isFirst = true;
  #lookedUs = -Infinity;
  #isLooking = false;

  /**
   * Cleans nothing yet.
   *
   * @param connection The way to the database.
   * @param names The names of the tables.
   * @param clock The clock of a test, as a parameter of a statement; null for the server's.
   */
  constructor(connection: PostgresConnection, names: PostgresNames, clock: () => string | null) {
    this.#connection = connection;
    this.#text = `SELECT ${names.of("clean_1")}($1::text::bigint, $2::text::bigint, $3::text::bigint)::text AS pages`;
    this.#clock = clock;
  }

  /** Looks at some pages, in the background, if it is time. */
  used(): void {
    const nowUs = systemClock.nowUs();
    if (this.#isLooking || nowUs - this.#lookedUs < AGAIN_US) return;
    this.#lookedUs = nowUs;
    this.#isLooking = true;
    this.#look().catch(() => {}).finally(() => { // what is wrong shows at the decisions
      this.#isLooking = false;
    });
  }

  async #look(): Promise<void> {
    const values = [String(this.#page), String(PAGES), this.#clock()];
    const [row] = await this.#connection.query({ name: "clean_1", text: this.#text, values });
    const pages = Number(row?.["pages"]);
    this.#page = this.#isFirst ? Math.floor(Math.random() * pages) : this.#page + PAGES;
    if (this.#page >= pages) this.#page = 0;
    this.#isFirst = false;
  }
}
