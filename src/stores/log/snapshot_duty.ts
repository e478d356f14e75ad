/**
 * Decides which process stores a snapshot, and when: one that has just sent something says that it will, and the first one to
 * say so does.
 *
 * @module
 */

import { startTimer } from "../../base/deadline.ts";
import type { StoreError } from "../../base/errors.ts";
import type { Notice } from "./message.ts";
import type { Replica } from "./replica.ts";
import { SnapshotWriter } from "./snapshot_writer.ts";
import type { LogLimits, LogStream } from "./stream.ts";

/** What it needs. */
export interface SnapshotDutyOptions {
  /** Where snapshots go. */
  readonly stream: LogStream;
  /** Of which shard. */
  readonly shard: string;
  /** How much is applied between two of them, in requests. */
  readonly snapshotEvery: number;
  /** The session of this process. */
  readonly session: string;
  /** Publishes a notice. */
  publish(notice: Notice): Promise<number | undefined>;
  /** A snapshot could not be stored. */
  failed(error: StoreError): void;
}

/** How long storing a snapshot may take, in microseconds of the stream's clock: after that, another process tries. */
const CLAIM_US = 30_000_000;

/** With many keys, a snapshot is stored after so many requests for each of them at least. */
const REQUESTS_A_KEY = 2;

/** Between two snapshots, a stream fills by this share of what it may hold: it keeps what follows the one before. */
const MOST_SHARE = 0.4;
/** What a stream keeps beside what a message says: subject, id and place, in bytes. */
const OVERHEAD_BYTES = 200;
/** The share of a full stream that is kept for those who read slowly. */
const KEPT_SHARE = 0.25;
/** How long a process waits at most for another one to empty a full stream, in milliseconds. */
const TURN_MS = 100;

/** The duty of one process at one shard. */
export class SnapshotDuty {
  readonly #options: SnapshotDutyOptions;
  /** When the process that stores a snapshot has begun. */
  #claimedUs = -Infinity;
  /** When this process has offered to store one. */
  #saidUs = -Infinity;
  /** The snapshot before, behind which messages are still kept. */
  #stored = 0;
  #isWanted = false;
  #isStoring = false;
  /** What the stream may hold, and what came since the last snapshot. */
  #most: LogLimits = {};
  #messages = 0;
  #bytes = 0;

  /**
   * @param options What it needs.
   */
  constructor(options: SnapshotDutyOptions) {
    this.#options = options;
  }

  /** The stream is looked at. */
  opened(most: LogLimits = {}): void {
    this.#most = most;
  }

  /** A message was read. */
  read(bytes: number): void {
    this.#messages++;
    this.#bytes += bytes + OVERHEAD_BYTES;
  }

  /** The stream takes no more messages: makes room, unless another process does. */
  full(replica: Replica, id: string): void {
    if (this.#isStoring) return;
    this.#isStoring = true;
    const before = this.#stored;
    startTimer(Math.random() * TURN_MS, () => {
      this.#isStoring = false;
      if (this.#stored === before) void this.#store(replica, id, true);
    });
  }

  /** A message of this process was applied: now this process may have to store a snapshot. */
  applied(replica: Replica): void {
    const { snapshotEvery, publish } = this.#options;
    const { nowUs, weight } = replica;
    const { messages = Infinity, bytes = Infinity } = this.#most;
    const isFilling = this.#messages > MOST_SHARE * messages || this.#bytes > MOST_SHARE * bytes;
    const isDue = this.#isWanted || isFilling ||
      weight >= Math.max(snapshotEvery, REQUESTS_A_KEY * replica.table.size);
    if (!isDue || isWithin(nowUs, this.#claimedUs) || isWithin(nowUs, this.#saidUs)) return;
    this.#saidUs = nowUs;
    publish({ op: "storing" }).catch(() => {});
  }

  /** A process has told something about snapshots. */
  noticed(notice: Notice, session: string, replica: Replica, id: string): void {
    const { nowUs } = replica;
    if (notice.op === "wanted") this.#isWanted = true;
    else if (notice.op === "stored") {
      this.#isWanted = false;
      this.#claimedUs = this.#saidUs = -Infinity;
      this.#stored = notice.sequence;
      this.#messages = this.#bytes = 0;
      replica.weight = 0;
    } else if (notice.op === "storing" && !isWithin(nowUs, this.#claimedUs)) {
      this.#claimedUs = nowUs;
      if (session === this.#options.session && !this.#isStoring) void this.#store(replica, id);
    }
  }

  /** Never rejects: if it fails, another process tries in half a minute. */
  async #store(replica: Replica, id: string, isFull = false): Promise<void> {
    const { stream, shard, publish, failed } = this.#options;
    const { sequence } = replica;
    const before = this.#stored;
    this.#isStoring = true;
    try {
      const { first } = isFull ? await stream.state(shard) : { first: 0 };
      // A stream without messages takes none because its limit is too small for one, or because the server is full.
      if (first > sequence) return;
      await stream.saveSnapshot(shard, sequence, new SnapshotWriter(replica, id).chunks());
      if (isFull && (await stream.state(shard)).id === id) {
        await stream.cut(shard, sequence + 1 - Math.floor(KEPT_SHARE * (sequence - first)));
      }
      await publish({ op: "stored", sequence });
      // Those who read slowly still find what follows the snapshot before. A stream that was made anew is not cut.
      if (before > 0 && (await stream.state(shard)).id === id) await stream.cut(shard, before + 1);
    } catch (error) {
      failed(error as StoreError);
    } finally {
      this.#isStoring = false;
    }
  }
}

/** Whether a claim stands. One that lies ahead is from before a step back of the clock. */
function isWithin(nowUs: number, claimedUs: number): boolean {
  return nowUs >= claimedUs && nowUs - claimedUs < CLAIM_US;
}
