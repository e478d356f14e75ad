/**
 * Takes from single token buckets in PostgreSQL, without the store around them.
 *
 * @module
 */

import postgres from "postgres";

import { BucketCalls, type BucketReplies } from "../../src/stores/postgres/buckets/calls.ts";
import { BUCKET_FUNCTIONS } from "../../src/stores/postgres/buckets/functions.ts";
import { SESSION_SETTINGS, type Statement } from "../../src/stores/postgres/connections/connection.ts";
import { PostgresNames } from "../../src/stores/postgres/names.ts";
import { tablesOf } from "../../src/stores/postgres/tables.ts";
import type { TakeRequest, Target } from "../../src/stores/store.ts";
import { dropSchema, freshSchema, postgresUrl } from "./postgres.ts";

/** A row of the table of keys. */
export interface KeyRow {
  /** The key. */
  readonly key: string;
  /** Where it is, and which transaction has written it. */
  readonly ctid: string;
  readonly xmin: string;
  /** When its bucket is full, in whole microseconds. */
  readonly tat: string;
  /** The rest of that. */
  readonly rem: string | null;
  /** Four times the units of the last take, if it got a part, and the reach of what is promised. */
  readonly extra: string | null;
}

/** A table of keys with its functions, on a connection of its own. */
export class BucketTable {
  /** Where it is. */
  readonly names: PostgresNames;
  /** The clock of the calls; undefined for the server's. */
  nowUs: number | undefined;
  /** How many statements were sent. */
  sent = 0;
  /** The name of the last one. */
  last: string | undefined;
  readonly #sql: postgres.Sql;
  readonly #schema: string;
  readonly #calls: BucketCalls;

  private constructor(schema: string, sql: postgres.Sql, nowUs: number | undefined, asksSettings: boolean) {
    this.#schema = schema;
    this.#sql = sql;
    this.nowUs = nowUs;
    this.names = new PostgresNames({ schema });
    this.#calls = new BucketCalls(
      { query: (statement) => this.query(statement) },
      {
        names: this.names,
        asksAsync: true,
        asksSettings,
        clock: () => this.nowUs === undefined ? null : String(this.nowUs),
      },
    );
  }

  /**
   * Makes a store. `nowUs`: its clock, where that is not the server's. `asksSettings`: whether statements bring the settings
   * that sessions of the store have.
   */
  static async open(nowUs?: number, asksSettings = true): Promise<BucketTable> {
    const connection = asksSettings ? {} : SESSION_SETTINGS;
    const sql = postgres(postgresUrl(), { max: 1, onnotice: () => {}, fetch_types: false, connection });
    const table = new BucketTable(freshSchema(), sql, nowUs, asksSettings);
    const functions = BUCKET_FUNCTIONS.map((each) => each.sql(table.names)).join("");
    await sql.unsafe(`CREATE SCHEMA ${table.names.schema}; ${tablesOf(table.names)} ${functions}`).simple();
    return table;
  }

  /** Runs a statement as the store does. */
  async query({ text, values, name }: Statement): Promise<Record<string, string | null>[]> {
    this.sent++;
    this.last = name;
    return [...await this.#sql.unsafe(text, [...values], { prepare: true })] as Record<string, string | null>[];
  }

  /** Decides about a batch. */
  send(requests: readonly TakeRequest[], rulesOf: (target: Target) => number = () => 1): Promise<BucketReplies> {
    return this.#calls.send(requests.map((request) => {
      const target = request.targets[0] as Target;
      return { request, key: `${target.limiter}:${target.key}`, rules: rulesOf(target) };
    }));
  }

  /** The rows whose keys begin so. */
  async rows(prefix: string): Promise<KeyRow[]> {
    const text = `SELECT key, tat::text, rem::text, extra::text, ctid::text, xmin::text FROM ${this.names.of("keys")}
      WHERE starts_with(key, $1) ORDER BY key`;
    return [...await this.#sql.unsafe(text, [prefix])] as unknown as KeyRow[];
  }

  /** Removes everything. */
  async close(): Promise<void> {
    await this.#sql.end({ timeout: 1 });
    await dropSchema(this.#schema);
  }
}
