/**
 * Decides by the kernels of this process: locks the rows of a batch, runs its requests on them one after the other, and
 * writes what has changed, in one transaction.
 *
 * @module
 */

import { sleepUntil, systemClock } from "../../base/clock.ts";
import { StoreError } from "../../base/errors.ts";
import type { PermitLedger } from "../memory/permit_ledger.ts";
import type { RunContext } from "../memory/run_context.ts";
import { runRequest } from "../memory/run_request.ts";
import type { StoreRequest, WakeupListener } from "../store.ts";
import { parseWaiterId } from "../waiter_id.ts";
import type { PostgresConnection, Row, Statement } from "./connections/connection.ts";
import { LIFE } from "./functions.ts";
import { HeldRows } from "./held_rows.ts";
import { toHex } from "./hex.ts";
import { LoadedKeys, type LoadedRow, UnknownRules, type WrittenRow } from "./loaded_keys.ts";
import type { PostgresNames } from "./names.ts";
import type { NamedRequest, Reply } from "./named_request.ts";
import { Outbox } from "./outbox.ts";
import { sortByName } from "./row_order.ts";
import type { RuleBook } from "./rules.ts";
import type { Sessions } from "./sessions.ts";
import { arrayLiteral } from "./sql_text.ts";

/** What a batch is run with. */
export interface KernelCallsOptions {
  readonly connection: PostgresConnection;
  readonly names: PostgresNames;
  readonly rules: RuleBook;
  readonly sessions: Sessions;
  /** Whether each transaction has to ask for a commit that does not wait for the disk. */
  readonly asksAsync: boolean;
  /** The clock of a test, as a parameter of a statement; null for the server's. */
  readonly clock: () => string | null;
}

/** How many times a transaction is run, if it is rolled back: another one has made the same new row, or has locked it. */
const MOST_TRIES = 5;

/** After so many such runs a batch goes on in halves: large ones of many processes have new rows in common again and again. */
const WHOLE_TRIES = 2;

/** How often the store asks what became of a transaction, and how long it waits in between, in microseconds. */
const FATE_TRIES = 20;
const FATE_US = 50_000;

/** After so many answers in a row that seem late, the server's clock was set back. */
const MOST_LATE = 3;

/** Errors of PostgreSQL after which nothing has happened, and trying again helps: a deadlock, and a failed serialization. */
const ROLLED_BACK: readonly unknown[] = ["40P01", "40001"];

/** This process has read an answer too late. */
class Late extends Error {}

/** Runs batches. */
export class KernelCalls {
  readonly #options: KernelCallsOptions;
  readonly #lockText: string;
  readonly #putText: string;
  readonly #held = new HeldRows();

  /**
   * Asks nothing yet.
   *
   * @param options Where and with what.
   */
  constructor(options: KernelCallsOptions) {
    const { names } = options;
    this.#options = options;
    this.#lockText = `SELECT now::text, read::text, xid, lines, heard FROM ${
      names.of("lock_1")
    }($1::text::text[], $2::text::boolean, $3::text::boolean, $4::text::bigint)`;
    this.#putText = `SELECT ${names.of("put_1")}($1::text::text[], $2::text::bigint[], $3::text::bigint[], ` +
      `$4::text::integer[], $5::text::bigint[], $6::text::boolean[], $7::text::bigint[], $8::text::bytea[], ` +
      `$9::text::integer, $10::text::text[], $11::text::text[])::text AS kept`;
  }

  /** Runs a batch: its requests one after the other, each as a whole or not at all. */
  async send(batch: readonly NamedRequest[]): Promise<readonly (Reply | Error)[]> {
    const { rules, sessions } = this.#options;
    await sessions.ready(batch);
    for (let tries = 1;; tries++) {
      await rules.ready(batch.flatMap(({ request }) => request.targets));
      const outcome = await this.#try(batch, tries);
      if (outcome === "crossed" && tries >= WHOLE_TRIES && batch.length > 1) return await this.#sendHalves(batch);
      if (outcome !== undefined && outcome !== "crossed") return outcome;
    }
  }

  /** Runs a batch as two, one after the other. What the first has done stands, whatever happens to the second. */
  async #sendHalves(batch: readonly NamedRequest[]): Promise<readonly (Reply | Error)[]> {
    const middle = batch.length >> 1;
    const first = await this.send(batch.slice(0, middle));
    const rest = batch.slice(middle);
    return [...first, ...await this.send(rest).catch((error: Error) => rest.map(() => error))];
  }

  /** One transaction; undefined where it has to be run again, and `crossed` where another one has made a new row of it. */
  async #try(
    batch: readonly NamedRequest[],
    tries: number,
  ): Promise<readonly (Reply | Error)[] | "crossed" | undefined> {
    const { connection, rules, sessions } = this.#options;
    const keys = sortByName([...new Set(batch.flatMap((named) => named.keys))], (key) => key);
    const outbox = new Outbox(sessions);
    let replies: readonly (Reply | Error)[] = [];
    let isKept = true;
    let sent: string | undefined;
    let adds = false;
    try {
      const [row] = await connection.transaction(this.#lock(batch, keys), ([found]) => {
        if (this.#held.isLate(Number(found?.["read"])) && tries < MOST_LATE) throw new Late();
        const run = this.#run(batch, keys, found as Row, outbox, tries === MOST_TRIES);
        replies = run.replies;
        const put = this.#put(run.rows, outbox);
        if (put !== undefined) sent = found?.["xid"] ?? undefined;
        adds = run.rows.some(({ isNew }) => isNew);
        return put;
      });
      isKept = row?.["kept"] !== "false";
    } catch (error) {
      if (error instanceof Late) {
        if (tries === MOST_LATE - 1) this.#held.forget();
        return undefined;
      }
      if (error instanceof UnknownRules) {
        rules.outdate();
        return undefined;
      }
      const mayGoOn = tries < MOST_TRIES && isAwaited(batch);
      const isRolledBack = error instanceof StoreError &&
        ROLLED_BACK.includes((error.cause as { code?: unknown })?.code);
      if (isRolledBack && mayGoOn) return undefined;
      const isBroken = error instanceof StoreError && error.code === "STORE_UNAVAILABLE" && mayGoOn;
      const fate = isBroken && sent !== undefined ? await this.#fateOf(sent, batch) : undefined;
      if (fate === "aborted") return undefined;
      // If rows were added, a commit does not tell whether `put_1` has kept anything.
      if (fate !== "committed" || adds) {
        sessions.transactionFailed();
        throw error;
      }
    }
    if (!isKept) {
      if (tries < MOST_TRIES) return "crossed";
      throw new StoreError("STORE_REFUSED", `Cannot add a key: other processes have added it ${tries} times meanwhile`);
    }
    sessions.transactionCommitted();
    outbox.deliver();
    return replies;
  }

  /**
   * What became of a transaction whose connection broke: `aborted` where the server had ended it because this process stood
   * still, or `committed`. Anything else if that cannot be found out.
   *
   * @param sent Its number, and the life of the server in which it began: in another one, the number may have been given to
   *   another transaction, which has committed.
   * @param batch Its requests: once all of them are late, nothing needs to know.
   */
  async #fateOf(sent: string, batch: readonly NamedRequest[]): Promise<string | undefined> {
    const [xid = "", life] = splitOnce(sent);
    const text = `SELECT pg_xact_status($1::text::xid8) AS fate, ${LIFE} AS life`;
    let fate: string | undefined;
    for (let left = FATE_TRIES; left > 0 && isAwaited(batch); left--) {
      // Other connections may have been lost at the same time; to ask again changes nothing.
      const asked = this.#options.connection.query({ name: "fate_1", text, values: [xid] }).catch(() => []);
      const [row] = await asked;
      fate = row?.["fate"] ?? undefined;
      if (fate === "committed" && row?.["life"] !== life) return undefined;
      if (fate !== undefined && fate !== "in progress") break;
      await sleepUntil(systemClock, systemClock.nowUs() + FATE_US);
    }
    return fate;
  }

  #lock(batch: readonly NamedRequest[], keys: readonly string[]): Statement {
    const { clock, asksAsync, sessions } = this.#options;
    const hears = batch.some(({ request }) => needsSessions(request, sessions.all));
    return {
      name: "lock_1",
      text: this.#lockText,
      values: [arrayLiteral(keys), String(hears), String(!asksAsync), clock()],
    };
  }

  #run(
    batch: readonly NamedRequest[],
    keys: readonly string[],
    found: Row,
    outbox: Outbox,
    isLast: boolean,
  ): { readonly replies: (Reply | Error)[]; readonly rows: readonly WrittenRow[] } {
    const nowUs = Number(found["now"]);
    const entries = new LoadedKeys(this.#options.rules, rowsOf(keys, found["lines"] ?? ""), isLast);
    const listeners = outbox.listeners(found["heard"] ?? "");
    const context: RunContext = {
      entries,
      listeners,
      nowUs,
      deliver: sendAtOnce,
      processesOf: (ledger) => processesOf(ledger, nowUs),
    };
    const replies = batch.map(({ request }): Reply | Error => {
      try {
        for (const target of request.targets) entries.load(target);
      } catch (error) {
        if (error instanceof StoreError) return error;
        throw error;
      }
      return runRequest(request, context);
    });
    return { replies, rows: entries.changed(nowUs) };
  }

  #put(rows: readonly WrittenRow[], outbox: Outbox): Statement | undefined {
    const messages = outbox.messages();
    if (rows.length === 0 && messages.length === 0) return undefined;
    return {
      name: "put_1",
      text: this.#putText,
      values: [
        arrayLiteral(rows.map(({ name }) => name)),
        arrayLiteral(rows.map(({ tat }) => tat)),
        arrayLiteral(rows.map(({ rem }) => rem)),
        arrayLiteral(rows.map(({ rules }) => rules)),
        arrayLiteral(rows.map(({ ends }) => ends)),
        arrayLiteral(rows.map(({ queued }) => queued ? "t" : null)),
        arrayLiteral(rows.map(({ reach }) => reach)),
        arrayLiteral(rows.map(({ state }) => state === undefined ? null : `\\x${toHex(state)}`)),
        String(rows.reduce((sum, { isNew }) => sum + (isNew ? 1 : 0), 0)),
        arrayLiteral(messages.map(({ channel }) => channel)),
        arrayLiteral(messages.map(({ text }) => text)),
      ],
    };
  }
}

/** Whether a caller waits for the outcome. */
function isAwaited(batch: readonly NamedRequest[]): boolean {
  return batch.some(({ isLate }) => !isLate);
}

/** A text before and after the first space. */
function splitOnce(text: string): readonly string[] {
  const at = text.indexOf(" ");
  return [text.slice(0, at), text.slice(at + 1)];
}

/** The rows of `lock_1` by their names. */
function rowsOf(keys: readonly string[], lines: string): Map<string, LoadedRow> {
  const rows = new Map<string, LoadedRow>();
  if (lines === "") return rows;
  for (const line of lines.split("\n")) {
    const [place, tat, rem, rules, reach, state = ""] = line.split(" ");
    const numbers = { tat: Number(tat), rem: Number(rem), rules: Number(rules), reach: Number(reach) };
    rows.set(keys[Number(place) - 1] as string, { ...numbers, state });
  }
  return rows;
}

/** Whether a request has to do with other processes, even if no call waits: it tells all of them, or waits for one of them. */
function needsSessions(request: StoreRequest, own: readonly WakeupListener[]): boolean {
  if ("from" in request) return request.from !== undefined;
  if (request.op !== "poll" && (request.op !== "take" || request.mode !== "wait" || request.id === "")) return false;
  const { instance } = parseWaiterId(request.id);
  return !own.some((listener) => listener.instance === instance);
}

/** The outbox keeps what is sent until everything is committed. */
function sendAtOnce(send: () => void): void {
  send();
}

/** Each process has an instance, with which its ids begin. */
function processesOf(ledger: PermitLedger, nowUs: number): number {
  const live = ledger.facts.leases.filter(({ at }) => at > nowUs);
  return new Set(live.map(({ id }) => parseWaiterId(id).instance)).size;
}
