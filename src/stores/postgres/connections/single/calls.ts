/**
 * Statements and transactions on sessions, with an end to their time and with errors that say what may have run.
 *
 * @module
 */

import { Deadlined, DeadlineLine } from "../../../../base/deadline.ts";
import { StoreError } from "../../../../base/errors.ts";
import { type Row, type Statement, TRANSACTION } from "../connection.ts";
import { callError, silentError, sqlStateOf } from "../errors.ts";
import type { Session } from "./session.ts";

const BEGIN: Statement = { text: `begin ${TRANSACTION}`, values: [] };
const COMMIT: Statement = { text: "commit", values: [] };
const ROLLBACK: Statement = { text: "rollback", values: [] };

/** What is under way on a session. */
class Call extends Deadlined {
  readonly session: Session;
  /** Whether it may have taken effect. */
  mayHaveRun: boolean;
  isLate = false;

  constructor(session: Session, mayHaveRun: boolean) {
    super();
    this.session = session;
    this.mayHaveRun = mayHaveRun;
  }
}

/** A transaction that failed before anything that it does could count. */
export class NotBegun extends Error {
  /** Why, as the caller should see it. */
  readonly error: unknown;

  constructor(error: unknown) {
    super("Nothing has run");
    this.error = error;
  }
}

/** Runs statements and transactions. */
export class Calls {
  readonly #label: string;
  readonly #timeoutMs: number;
  readonly #deadlines: DeadlineLine<Call>;

  /**
   * @param label Where the database is, for messages.
   * @param timeoutMs How long a statement, or a transaction, may take.
   */
  constructor(label: string, timeoutMs: number) {
    this.#label = label;
    this.#timeoutMs = timeoutMs;
    this.#deadlines = new DeadlineLine(Math.ceil(timeoutMs * 1_000), (call) => {
      call.isLate = true;
      call.session.destroy();
    });
  }

  /** Runs one statement. */
  async query(session: Session, statement: Statement): Promise<readonly Row[]> {
    const call = new Call(session, true);
    this.#deadlines.add(call);
    try {
      return await session.run(statement);
    } catch (cause) {
      throw this.#errorOf(call, cause);
    } finally {
      this.#deadlines.delete(call);
    }
  }

  /**
   * Runs a transaction of one or two statements.
   *
   * @param session Where. It is free again when `ended` is called, which may be after the rows are there.
   * @throws {NotBegun} If the connection broke before `next` was called.
   */
  async transaction(
    session: Session,
    first: Statement,
    next: (rows: readonly Row[]) => Statement | undefined,
    ended: () => void,
  ): Promise<readonly Row[]> {
    const call = new Call(session, false);
    this.#deadlines.add(call);
    const finish = (last: Statement): Promise<void> =>
      session.run(last).then(() => {}, () => session.destroy()).finally(() => {
        this.#deadlines.delete(call);
        ended();
      });
    session.run(BEGIN).catch(() => {}); // the statement behind it fails too
    let rows: readonly Row[];
    try {
      rows = await session.run(first);
    } catch (cause) {
      const error = this.#errorOf(call, cause);
      void finish(ROLLBACK);
      throw sqlStateOf(cause) === undefined && !call.isLate ? new NotBegun(error) : error;
    }
    let last: Statement | undefined;
    try {
      last = next(rows);
    } catch (error) {
      void finish(ROLLBACK);
      throw error;
    }
    if (last === undefined) {
      // It has written nothing that could be lost.
      void finish(COMMIT);
      return [];
    }
    call.mayHaveRun = true;
    const written = session.run(last);
    const committed = session.run(COMMIT);
    const [outcome, end] = await Promise.allSettled([written, committed]);
    this.#deadlines.delete(call);
    ended();
    if (outcome.status === "rejected") throw this.#errorOf(call, outcome.reason);
    if (end.status === "rejected") throw this.#errorOf(call, end.reason);
    return outcome.value;
  }

  #errorOf(call: Call, cause: unknown): unknown {
    const fate = { label: this.#label, mayHaveRun: call.mayHaveRun };
    if (call.isLate) return silentError(fate, this.#timeoutMs);
    const error = callError(fate, cause);
    // Perhaps another server takes writes by now.
    if (error instanceof StoreError && error.reason === "read_only") call.session.destroy();
    return error;
  }
}
