/**
 * The PostgreSQL clients that applications may give to a store, reduced to what the store needs of them. None of their
 * packages is imported, not even for types.
 *
 * @module
 */

/** A PostgreSQL client of a kind that a store can use. */
export type PostgresClient = PostgresJsLike | PgPoolLike | BunSqlLike;

/** What a store needs of `postgres()` of the npm package `postgres`. */
export interface PostgresJsLike {
  /** How it was made. */
  readonly options: object;
  /** Runs a statement as it is. */
  unsafe(text: string, values?: never[], options?: object): PromiseLike<unknown>;
  /** Runs a transaction. */
  begin(options: string, work: (sql: PostgresJsTransaction) => Promise<unknown>): Promise<unknown>;
  /** Listens on a session of its own. */
  listen(
    channel: string,
    onMessage: (payload: string) => void,
    onListen?: () => void,
  ): Promise<{ unlisten(): unknown }>;
  /** Works with large objects. Not called; it tells the client from others. */
  largeObject(...args: never[]): unknown;
}

/** What a store needs of a transaction of the npm package `postgres`. */
export interface PostgresJsTransaction {
  /** Runs a statement as it is. */
  unsafe(text: string, values?: never[], options?: object): PromiseLike<unknown>;
}

/** What a store needs of `new Pool()` of the npm package `pg`. */
export interface PgPoolLike {
  /** How many connections it has. */
  readonly totalCount: number;
  /** Whether it was ended. */
  readonly ended?: boolean;
  /** How it was made. */
  readonly options?: { readonly max?: number | undefined };
  /** Lends a connection. */
  connect(): Promise<PgClientLike>;
}

/** What a store needs of a connection of a `Pool`. */
export interface PgClientLike {
  /** Runs a statement. */
  query(statement: { readonly text: string; readonly values: string[]; readonly name?: string }): Promise<unknown>;
  /** Gives the connection back; with `true`, the pool closes it. */
  release(destroy?: boolean): void;
  /** Adds a listener. */
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  /** Lets the process end while its socket is open. Only called on a connection that listens. */
  unref?(): void;
  /** Removes a listener. */
  removeListener(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** What a store needs of `new SQL()` of Bun. */
export interface BunSqlLike {
  /** Runs a statement as it is. */
  unsafe(text: string, values?: unknown[]): PromiseLike<unknown>;
  /** Lends a connection. */
  reserve(): Promise<BunSqlReserved>;
  /** Begins a transaction in two phases. Not called; it tells the client from others. */
  beginDistributed(...args: never[]): unknown;
  /** Listens to a channel, where this version of Bun can do that. */
  listen?(
    channel: string,
    onMessage: (payload: string) => void,
    onListen?: () => void,
  ): Promise<{ unlisten(): unknown }>;
}

/** What a store needs of a connection of `new SQL()` of Bun. */
export interface BunSqlReserved {
  /** Runs a statement as it is. */
  unsafe(text: string, values?: unknown[]): PromiseLike<unknown>;
  /** Gives the connection back. */
  release(): unknown;
}
