/**
 * A PostgreSQL client, reduced to what the store needs.
 *
 * @module
 */

/** The options of each transaction. The level is that of the sessions too, but a pooler keeps no settings of sessions. */
export const TRANSACTION = "isolation level read committed read write";

/**
 * One statement. All parameters are texts. Columns of its rows are text, or numbers that `Number` reads from whatever a driver
 * makes of them: drivers convert other types differently.
 */
export interface Statement {
  /** The SQL, with `$1`, `$2` ... for the values. */
  readonly text: string;
  /** The values. Arrays are written as PostgreSQL's literals of them (`arrayLiteral`), bytes as hexadecimal digits. */
  readonly values: readonly (string | null)[];
  /** The same name always has the same text: a connection may prepare it once, and send only the values later. */
  readonly name?: string;
}

/** A row by the names of its columns. */
export type Row = Readonly<Record<string, string | null>>;

/** What sessions of a store have by themselves: `SESSION_SETTINGS`, and perhaps more. */
export interface SessionDefaults {
  /** Whether a commit does not wait for the disk (`synchronous_commit` is off). */
  readonly commitsAsync: boolean;
}

/**
 * How long a statement waits for a row, in milliseconds. Transactions of the store last a round trip, so a longer wait means
 * that another session stands still, or that far too many processes want one key: then failure policies decide.
 */
export const LOCK_MS = 300;

/**
 * The settings under which the statements of the store run. They end waits for rows, and fix plans: an index scan for one key
 * after the other locks rows in the order of their keys, and a plan is kept for all batches. A plan without other ways looks
 * so dear that PostgreSQL would compile it (`jit`), which takes half a second. Settings of a function would do the same,
 * but are set and undone at each call.
 */
export const SESSION_SETTINGS: Readonly<Record<string, string>> = {
  lock_timeout: String(LOCK_MS),
  enable_seqscan: "off",
  enable_bitmapscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  plan_cache_mode: "force_generic_plan",
  jit: "off",
};

/** What comes over a channel. */
export interface ChannelListener {
  /** Takes the payload of a message. Must not throw. */
  message(payload: string): void;
  /** Messages may have been missed: the session was lost, and there is a new one. */
  missed(): void;
  /** Whether the connection should hold the process while it listens. */
  isAwaited(): boolean;
}

/**
 * The way to one database. Statements and transactions that are asked at the same time may run in any order, on any
 * connection of a pool.
 *
 * What fails rejects with a `StoreError`; where PostgreSQL has answered with an error, its `cause` has the five characters as
 * `code`. Nothing is sent a second time if it may have run.
 */
export interface PostgresConnection {
  /** Where the database is, without credentials; undefined where that is not known. */
  readonly url?: string | undefined;
  /** How its sessions are set up; undefined where they are not, so that statements have to say it. */
  readonly sessions?: SessionDefaults | undefined;
  /** Whether calls can be sent now; undefined where the connection does not know. */
  isUp?(): boolean | undefined;
  /** The same connection for what nothing waits for: the process may end meanwhile. Absent where that makes no difference. */
  readonly background?: Pick<PostgresConnection, "url" | "connect" | "query"> | undefined;
  /** Runs one statement, in a transaction of its own. */
  query(statement: Statement): Promise<readonly Row[]>;
  /**
   * Runs a transaction of one or two statements on one connection, at the level READ COMMITTED: the first, and then the one
   * that `next` makes of its rows. The connection sends `BEGIN` together with the first and `COMMIT` together with the last,
   * where its driver can do that.
   *
   * @param first The first statement.
   * @param next Makes the second one, at once; undefined if there is none. What it throws rolls the transaction back, and
   *   rejects.
   * @returns The rows of the second statement, once everything is committed; none where there was no second one.
   */
  transaction(first: Statement, next: (rows: readonly Row[]) => Statement | undefined): Promise<readonly Row[]>;
  /**
   * Listens to a channel by `LISTEN`, on a session of its own, until the connection is closed. Absent where there are no
   * sessions, as behind a pooler in transaction mode.
   *
   * @param channel Its name: up to 63 letters, digits and `_`.
   * @param listener Takes what comes.
   * @returns Resolves once messages that are sent from now on will arrive.
   */
  listen?(channel: string, listener: ChannelListener): Promise<void>;
  /** Connects, and rejects with what is wrong if it cannot. */
  connect(): Promise<void>;
  /** Begins to connect, in the background. */
  prepare?(): void;
  /** Lets what is under way finish, and disconnects; a client that was given stays open. */
  close(): Promise<void>;
}
