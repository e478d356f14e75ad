/**
 * Decides about batches of takes from single token buckets, one statement for each round.
 *
 * @module
 */

import { tokenBucket, type TokenBucketState } from "../../../algorithms/token_bucket/kernel.ts";
import type { Reach } from "../../../algorithms/reach.ts";
import { answerEntry, type BucketOutcome } from "../../bucket_replies.ts";
import type { TakeReply } from "../../store.ts";
import type { PostgresConnection } from "../connections/connection.ts";
import { type BucketEntry, type BucketTake, roundsOf } from "./rounds.ts";
import { type BucketSettings, BucketStatements } from "./statements.ts";
import { type LeftRow, outcomeOf, readRound } from "./replies.ts";

/** How often a round is sent again for keys that others have written meanwhile. */
const MOST_TRIES = 4;

/** What became of a take: undefined where the kernels must decide about it. */
export type BucketReplies = (TakeReply | Error | undefined)[];

/** Sends takes from single token buckets. */
export class BucketCalls {
  readonly #query: PostgresConnection["query"];
  readonly #statements: BucketStatements;

  /**
   * @param connection Where the functions are.
   * @param settings How they decide.
   */
  constructor(connection: Pick<PostgresConnection, "query">, settings: BucketSettings) {
    this.#query = (statement) => connection.query(statement);
    this.#statements = new BucketStatements(settings);
  }

  /**
   * Decides about a batch, and throws only if that did nothing. It leaves out rows that hold more than the numbers of one bucket, or are under other rules, or
   * from before the clock has stepped back, and later takes from the same key.
   */
  async send(batch: readonly BucketTake[]): Promise<BucketReplies> {
    const replies: BucketReplies = new Array(batch.length).fill(undefined);
    const left = new Set<string>();
    const rounds = roundsOf(batch);
    for (let i = 0; i < rounds.length; i++) {
      const round = rounds[i] as BucketEntry[];
      try {
        await this.#decide(left.size === 0 ? round : round.filter(({ key }) => !left.has(key)), replies, left);
      } catch (error) {
        if (!(error instanceof Error) || replies.every((reply) => reply === undefined)) throw error;
        for (const entry of rounds.slice(i).flat()) fail(replies, entry, error);
        break;
      }
    }
    return replies;
  }

  async #decide(round: readonly BucketEntry[], replies: BucketReplies, left: Set<string>): Promise<void> {
    let entries = round;
    if (entries.length === 1 && await this.#takeLone(entries[0] as BucketEntry, replies)) return;
    for (let tries = 0; entries.length > 0; tries++) {
      const inParts = tries > 0 || entries.some(({ header, times }) => times > 1 && !header.tookAll);
      const [row] = await this.#query(this.#statements.round(entries, inParts));
      const answers = readRound(entries, row?.["reply"] ?? "");
      if (inParts) { for (const { header } of entries) header.tookAll = true; }
      const again: BucketEntry[] = [];
      entries.forEach((entry, i) => {
        const answer = answers[i];
        const outcome = answer === undefined || "taken" in answer ? answer : lookAt(entry, answer);
        if (outcome === undefined && tries < MOST_TRIES) again.push(entry);
        else if (outcome === undefined || outcome === "left") left.add(entry.key);
        else answerEntry(replies, entry, entry.header, outcome);
        if (entry.times > 1 && isPart(entry, outcome)) entry.header.tookAll = false;
        if (entries.length === 1) {
          const { header } = entry;
          const taken = answer !== undefined && "isOld" in answer ? answer : undefined;
          header.inUse = taken !== undefined && taken.isOld && taken.us <= header.rate.burstUs;
          header.tookAll = taken?.taken === entry.times;
        }
      });
      entries = again;
    }
  }

  /** Takes from one key by a statement that costs half as much, if the last of its kind had room. */
  async #takeLone(entry: BucketEntry, replies: BucketReplies): Promise<boolean> {
    const { header } = entry;
    if (header.mode === "peek" || !header.inUse) return false;
    const [row] = await this.#query(this.#statements.lone(entry));
    header.inUse = row !== undefined;
    if (row === undefined) {
      header.tookAll = false;
      return false;
    }
    const nowUs = Number(row["clock"]);
    const outcome = outcomeOf(entry, {
      nowUs,
      us: Number(row["tat"]) - nowUs,
      rem: Number(row["rem"] ?? 0),
      extra: Number(row["extra"] ?? 0),
    });
    header.tookAll = outcome.taken === entry.times;
    answerEntry(replies, entry, header, outcome);
    return true;
  }
}

/**
 * What a row says that was not taken from: a denial. Undefined where there is room by now, and `left` where the kernels must
 * decide.
 */
function lookAt({ header, rules }: BucketEntry, row: LeftRow): BucketOutcome | "left" | undefined {
  const { rate, mode, cost, maxWaitUs } = header;
  if (row.isMore || row.rules !== rules) return "left";
  const { readUs: nowUs, reach } = row;
  const state: TokenBucketState = { tatUs: row.tat, tatRem: row.rem, reach: reach === 0 ? undefined : reach as Reach };
  if (tokenBucket.settle(state, nowUs, rate) !== state) return "left";
  const waitUs = tokenBucket.earliest(state, nowUs, cost, rate) - nowUs;
  const hasRoom = waitUs === 0 || (mode === "wait" && waitUs <= maxWaitUs);
  if (hasRoom && mode !== "peek") return undefined;
  const [us, rem] = tokenBucket.measure(state, nowUs, rate);
  return { nowUs, blockedUs: 0, taken: hasRoom ? 1 : 0, us, rem };
}

/** Whether there was room for some of the takes of an entry, but not for all. */
function isPart({ times }: BucketEntry, outcome: BucketOutcome | "left" | undefined): boolean {
  return outcome === undefined || (outcome !== "left" && outcome.taken > 0 && outcome.taken < times);
}

function fail(replies: BucketReplies, { index, more = [] }: BucketEntry, error: Error): void {
  for (const place of [index, ...more]) replies[place] ??= error;
}
