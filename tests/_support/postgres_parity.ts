/**
 * A PostgreSQL store beside the memory store.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { PostgresConnection } from "../../src/stores/postgres/connections/connection.ts";
import { openPostgresJs } from "../../src/stores/postgres/connections/postgres_js.ts";
import { fromHex } from "../../src/stores/postgres/hex.ts";
import { rowName } from "../../src/stores/postgres/keys.ts";
import { PostgresNames } from "../../src/stores/postgres/names.ts";
import { arrayLiteral } from "../../src/stores/postgres/sql_text.ts";
import { PostgresStore } from "../../src/stores/postgres/postgres_store.ts";
import { kernelOf, type RateState } from "../../src/algorithms/kernels.ts";
import type { Reach } from "../../src/algorithms/reach.ts";
import type { TokenBucketState } from "../../src/algorithms/token_bucket/kernel.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { decodeEntry } from "../../src/stores/memory/entry_codec.ts";
import type { Target } from "../../src/stores/store.ts";
import type { FakeClock } from "../../src/testing/fake_clock.ts";
import { dropSchema, freshSchema, postgresUrl } from "./postgres.ts";
import type { OpenParitySubject, ParitySubject } from "./store_parity.ts";
import { plainStates } from "./stored_state.ts";

/** Two processes on one database, which sequences use one after the other. */
export class PostgresParity {
  readonly #schema = freshSchema();
  readonly #opened = [1, 2].map(() => openPostgresJs({ url: postgresUrl() }));
  /** What the stores of a sequence have asked, and was not answered yet. */
  readonly #asked = new Set<Promise<unknown>>();
  /** The stores of a sequence leave them open. */
  readonly #connections = this.#opened.map((opened): PostgresConnection => ({
    ...opened,
    query: (statement) => this.#noted(opened.query(statement)),
    close: () => Promise.resolve(),
  }));

  /** Runs a sequence on empty tables. */
  async run(sequence: (open: OpenParitySubject) => Promise<void>): Promise<void> {
    const stores: PostgresStore[] = [];
    await this.#empty();
    try {
      await sequence((clock) => {
        const [store, another] = this.processes(clock) as [PostgresStore, PostgresStore];
        stores.push(store, another);
        return new PostgresSubject(store, another, this.#connections[0] as PostgresConnection, this.#schema, clock);
      });
    } finally {
      await Promise.all(stores.map((store) => store.close()));
      // A store cleans in the background, by the clock of its sequence: what it still asks would meet rows of the next one.
      await Promise.allSettled(this.#asked);
    }
  }

  /**
   * The store as two processes see it.
   *
   * @param clock What it takes for the time.
   * @param cleans Whether it forgets rows every second of real time, which shows where a lease is renewed after its end.
   */
  processes(clock: FakeClock, cleans: boolean = true): PostgresStore[] {
    return this.#connections.map((connection) => {
      const { query } = connection;
      const isLeftOut = (name?: string) => !cleans && name === "clean_1";
      const some: typeof query = (statement) => isLeftOut(statement.name) ? Promise.resolve([]) : query(statement);
      return new PostgresStore({ ...connection, query: some }, { schema: this.#schema, testClock: clock });
    });
  }

  #noted<Result>(asked: Promise<Result>): Promise<Result> {
    this.#asked.add(asked);
    const forget = () => void this.#asked.delete(asked);
    asked.then(forget, forget);
    return asked;
  }

  async #empty(): Promise<void> {
    const [connection] = this.#connections as [PostgresConnection];
    const names = new PostgresNames({ schema: this.#schema });
    await new PostgresStore(connection, { schema: this.#schema }).connect();
    const all = ["keys", "rules", "uses", "sessions"].map((table) => `DELETE FROM ${names.of(table)};`).join(" ");
    await connection.query({ text: `DO $$ BEGIN ${all} END $$`, values: [] });
  }

  /** Removes everything. */
  async close(): Promise<void> {
    await Promise.all(this.#opened.map((connection) => connection.close()));
    await dropSchema(this.#schema);
  }
}

class PostgresSubject implements ParitySubject {
  readonly store: PostgresStore;
  readonly another: PostgresStore;
  readonly #connection: PostgresConnection;
  readonly #names: PostgresNames;
  readonly #clock: FakeClock;

  constructor(
    store: PostgresStore,
    another: PostgresStore,
    connection: PostgresConnection,
    schema: string,
    clock: FakeClock,
  ) {
    this.store = store;
    this.another = another;
    this.#connection = connection;
    this.#names = new PostgresNames({ schema });
    this.#clock = clock;
  }

  async compare(target: Target, states: readonly RateState[], latestUs: number): Promise<void> {
    const { rates } = target.policy;
    const [row] = await this.#connection.query({
      text: `SELECT tat::text, rem::text, (extra & 3)::text AS reach, encode(state, 'hex') AS state, ends::text
        FROM ${this.#names.of("keys")} WHERE key = ANY ($1::text::text[])`,
      values: [arrayLiteral([rowName(target)])],
    });
    const stored = row === undefined ? rates.map((rate) => kernelOf(rate).fresh()) : statesOf(row, target.policy);
    const expected = plainStates(rates, states);
    const actual = plainStates(rates, stored).map((numbers, i) => {
      // Each of the two forgets what is as good as fresh, at another time: the memory store when other keys come, and this one
      // when it cleans pages.
      const isFresh = ([state]: readonly RateState[]) =>
        kernelOf(rates[i] as Policy["rates"][0]).freshFromUs(state as RateState, rates[i] as Policy["rates"][0]) <=
          this.#clock.nowUs();
      const isForgotten = row === undefined
        ? isFresh(states.slice(i))
        : expected[i]?.every((number) => number === 0) && isFresh(stored.slice(i));
      return isForgotten ? expected[i] : numbers;
    });
    assert.deepEqual(actual, expected, `states of ${target.limiter}`);
    const endsUs = Number(row?.["ends"] ?? Infinity);
    rates.forEach((rate, i) => {
      const freshUs = kernelOf(rate).freshFromUs(states[i] as RateState, rate);
      assert.ok(endsUs >= freshUs || freshUs <= latestUs, `the row ends at ${endsUs}, and matters until ${freshUs}`);
    });
  }
}

function statesOf(row: Readonly<Record<string, string | null>>, policy: Policy): readonly RateState[] {
  if (row["state"]) return decodeEntry(fromHex(row["state"]), () => policy).states;
  const state: TokenBucketState = { tatUs: Number(row["tat"]), tatRem: Number(row["rem"]) };
  return [row["reach"] ? { ...state, reach: Number(row["reach"]) as Reach } : state];
}
