/**
 * The board of a Redis store: a key for each report, all of them in one slot. It needs no right that decisions do not need.
 *
 * @module
 */

import { StoreError } from "../../base/errors.ts";
import { type Board, type BoardPost, isPostId, MAX_POST, MAX_POSTS, WATCHED_MS } from "../board.ts";
import type { ScriptReply } from "./connections/connection.ts";
import type { Script } from "./script.ts";
import { post, texts, watch } from "./scripts.gen.ts";

/**
 * How often a process that makes calls looks whether there is a watcher, in microseconds: usually, where each command is a
 * request over HTTP that may be paid for, and after Redis has refused to tell.
 */
const LOOK_US = 2_000_000;
const REST_LOOK_US = 10_000_000;
const REFUSED_LOOK_US = 600_000_000;

/** Every so many posts of a process, it makes sure that the index has it. */
const ENTER_EVERY = 5;

/** How many reports one script call reads: it keeps Redis busy for a millisecond at most, whatever they hold. */
const READ_AT_ONCE = 32;

/** The longest index, in bytes. */
const MAX_INDEX = MAX_POSTS * 40;

/** How often in a row a report may be missing before its process is taken out of the index. */
const MISSED = 3;

/** What the board needs of its store. */
export interface RedisBoardOptions {
  /** What every key of the store begins with, with its colon. */
  readonly common: string;
  /** Whether calls go over REST. */
  readonly isRest: boolean;
  /** Makes a script call. */
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<ScriptReply>;
  /** The time, in microseconds. */
  nowUs(): number;
}

/** The board of one Redis store. */
export class RedisBoard implements Board {
  readonly #options: RedisBoardOptions;
  readonly #tag: string;
  readonly #missed = new Map<string, number>();
  /** How often each process has posted since it is watched. */
  readonly #posts = new Map<string, number>();
  readonly #noticers = new Set<() => void>();
  /** When to look whether there is a watcher: see `used`. Infinity while nothing in this process wants to know. */
  dueUs: number = Infinity;

  /**
   * @param options What it needs of its store.
   */
  constructor(options: RedisBoardOptions) {
    this.#options = options;
    // A "%" in the keys of limiters is always followed by a hex code.
    this.#tag = `{${options.common}%fleet}`;
  }

  /** Has `watched` called when this process learns that there is a watcher. */
  notice(watched: () => void): () => void {
    this.#noticers.add(watched);
    if (this.dueUs === Infinity) this.dueUs = -Infinity;
    return () => {
      this.#noticers.delete(watched);
      if (this.#noticers.size === 0) this.dueUs = Infinity;
    };
  }

  /**
   * The store has sent calls at `dueUs` or later: it looks whether there is a watcher, behind them on the same connection. Not
   * with the first of them: a process that ends soon has nothing to report.
   */
  used(nowUs: number): void {
    if (this.dueUs === -Infinity) this.#lookAfter(nowUs);
    else void this.#look(nowUs);
  }

  /** Posts, if there is a watcher. */
  async post(id: string, text: string): Promise<boolean> {
    const count = this.#posts.get(id) ?? 0;
    const name = count % ENTER_EVERY === 0 ? id : "";
    const keys = [this.#watchKey, this.#keyOf(id), this.#indexKey];
    const reply = await this.#options.run(post, keys, [text, String(WATCHED_MS), name]);
    this.#lookAfter(this.#options.nowUs());
    if (reply === 1) this.#posts.set(id, count + 1);
    else this.#posts.delete(id);
    return reply === 1;
  }

  /** Says that there is a watcher, and reads what processes have posted. */
  async read(): Promise<readonly BoardPost[]> {
    const gone = [...this.#missed].flatMap(([id, times]) => times >= MISSED ? [id] : []);
    for (const id of gone) this.#missed.delete(id);
    const args = [String(WATCHED_MS), String(MAX_INDEX), ...gone];
    const index = await this.#options.run(watch, [this.#watchKey, this.#indexKey], args);
    const ids = [...new Set(String(index).split("\n"))].filter(isPostId).slice(0, MAX_POSTS);
    const pages = [];
    for (let i = 0; i < ids.length; i += READ_AT_ONCE) pages.push(this.#readPage(ids.slice(i, i + READ_AT_ONCE)));
    return (await Promise.all(pages)).flat();
  }

  async #readPage(ids: readonly string[]): Promise<BoardPost[]> {
    const reply = await this.#options.run(texts, ids.map((id) => this.#keyOf(id)), [String(MAX_POST)]);
    const found: readonly ScriptReply[] = Array.isArray(reply) ? reply : [];
    return ids.flatMap((id, i) => {
      const text = found[i];
      if (text === 0 || text === undefined) {
        this.#missed.set(id, (this.#missed.get(id) ?? 0) + 1);
        return [];
      }
      this.#missed.delete(id);
      return [{ id, text: typeof text === "string" ? text : undefined }];
    });
  }

  /** Never rejects: whether there is a watcher has nothing to do with decisions. */
  async #look(nowUs: number): Promise<void> {
    // From its start: on edge workers a call that outlives its request may never end.
    this.#lookAfter(nowUs);
    try {
      const reply = await this.#options.run(post, [this.#watchKey], []);
      if (reply === 1) { for (const watched of this.#noticers) watched(); }
    } catch (error) {
      if (error instanceof StoreError && error.code === "STORE_REFUSED") this.#lookAfter(nowUs, REFUSED_LOOK_US);
    }
  }

  #lookAfter(nowUs: number, afterUs = this.#options.isRest ? REST_LOOK_US : LOOK_US): void {
    if (this.#noticers.size > 0) this.dueUs = nowUs + afterUs;
  }

  get #watchKey(): string {
    return `${this.#tag}:watch`;
  }

  get #indexKey(): string {
    return `${this.#tag}:index`;
  }

  #keyOf(id: string): string {
    return `${this.#tag}:of:${id}`;
  }
}
