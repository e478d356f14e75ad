/**
 * Keeps the map of a cluster's slots current: asks the seeds first, and then nodes, for as long as something is wrong.
 *
 * @module
 */

import { systemClock, type Timer } from "../../../../base/clock.ts";
import { startTimer } from "../../../../base/deadline.ts";
import { NoneAnswered, race } from "../race.ts";
import { askNode, askSeed, type ClusterDriver, noneTells } from "./discovery.ts";
import type { SlotRange } from "./layout.ts";
import type { ClusterNodes, ClusterSettings } from "./nodes.ts";

const FIRST_REFRESH_MS = 100;
const MAX_REFRESH_MS = 1_000;
/** Two refreshes are at least so far apart. */
const MIN_BETWEEN_MS = 50;

/** What a map needs. */
export interface ClusterMapOptions {
  /** Opens clients to nodes. */
  readonly driver: ClusterDriver;
  /** How long things may take, and where nodes are. */
  readonly settings: ClusterSettings;
  /** The nodes that it is of. */
  readonly nodes: ClusterNodes;
  /** Aborted when the connection is closed. */
  readonly signal: AbortSignal;
  /** Called when the nodes have been brought up to date. */
  onChange(): void;
}

/** The map of one connection. */
export class ClusterMap {
  readonly #driver: ClusterDriver;
  readonly #settings: ClusterSettings;
  readonly #nodes: ClusterNodes;
  readonly #signal: AbortSignal;
  readonly #onChange: () => void;
  /** That of the newest map that a node gave. */
  #epoch = -1;
  #refreshing: Promise<void> | undefined;
  #timer: Timer | undefined;
  #refreshedUs = -Infinity;
  #failures = 0;

  constructor({ driver, settings, nodes, signal, onChange }: ClusterMapOptions) {
    this.#driver = driver;
    this.#settings = settings;
    this.#nodes = nodes;
    this.#signal = signal;
    this.#onChange = onChange;
  }

  /** Whether it was read long enough ago to be read again. */
  get isOld(): boolean {
    return this.#ageMs() >= MIN_BETWEEN_MS;
  }

  /** Reads the map for the first time; in the background, if the process may end meanwhile. */
  async readFirst(isBackground: boolean): Promise<void> {
    this.#apply(await this.#askSeeds(isBackground), false);
  }

  /** Reads the map again, at once or a moment after it was read last. */
  refreshSoon(): void {
    if (this.#refreshing !== undefined || this.#signal.aborted) return;
    if (this.isOld) void this.refresh();
    else this.#refreshIn(MIN_BETWEEN_MS - this.#ageMs());
  }

  /** Reads the map again with a growing pause, for as long as something is wrong. */
  refreshLater(): void {
    this.#refreshIn(Math.min(FIRST_REFRESH_MS * 2 ** this.#failures++, MAX_REFRESH_MS) * (0.75 + Math.random() / 4));
  }

  #refreshIn(ms: number): void {
    if (this.#signal.aborted) return;
    this.#timer?.cancel();
    this.#timer = startTimer(ms, () => void this.refresh());
  }

  #ageMs(): number {
    return (systemClock.nowUs() - this.#refreshedUs) / 1_000;
  }

  /** Reads the map again. Never rejects. */
  refresh(): Promise<void> {
    return this.#refreshing ??= this.#readMap();
  }

  async #readMap(): Promise<void> {
    this.#timer?.cancel();
    try {
      const ranges = await this.#askAny();
      if (!this.#signal.aborted) this.#apply(ranges, true);
    } catch {
      // No node tells: each of them is reported by its own pool.
    } finally {
      this.#refreshing = undefined;
      this.#refreshedUs = systemClock.nowUs();
    }
    const primaries = this.#nodes.primaries();
    const isWell = [...primaries].every(({ pool }) => pool.isUp) && !this.#nodes.owners.includes(undefined);
    if (!isWell || primaries.size < this.#nodes.count) this.refreshLater();
    else this.#failures = 0;
  }

  #apply(ranges: readonly SlotRange[], isConnected: boolean): void {
    this.#nodes.apply(ranges, isConnected);
    this.#onChange();
  }

  /**
   * Asks a node that is connected; the seeds where none is. A primary that was stopped while another one took its place
   * still claims its slots when it wakes, and would forget what it decides: a node that is behind the others is not believed.
   */
  async #askAny(): Promise<SlotRange[]> {
    const nodes = [...this.#nodes.all()].filter(({ pool }) => pool.isUp).sort(() => Math.random() - 0.5);
    const tasks = nodes.map(({ pool, settings }) => async () => {
      const { epoch, ranges } = await pool.call((redis) => askNode(redis, settings.endpoint.host));
      if (epoch < this.#epoch) throw new Error("the node knows less than another one knew");
      if (Number.isFinite(epoch)) this.#epoch = epoch;
      return ranges;
    });
    try {
      return await race(tasks, this.#signal);
    } catch (error) {
      if (!(error instanceof NoneAnswered)) throw error;
      this.#epoch = -1; // there may be another cluster at the same addresses
      return await this.#askSeeds();
    }
  }

  async #askSeeds(isBackground = false): Promise<SlotRange[]> {
    const { endpoint, socketConnectTimeoutMs } = this.#settings;
    const seeds = await this.#driver.seeds(socketConnectTimeoutMs);
    try {
      return await race(
        seeds.map((seed) => (signal) => askSeed(seed, this.#driver, this.#settings, signal, isBackground)),
        this.#signal,
      );
    } catch (error) {
      throw error instanceof NoneAnswered ? noneTells(error.errors, endpoint) : error;
    }
  }

  /** Cancels the next refresh. */
  close(): void {
    this.#timer?.cancel();
  }
}
