/**
 * The board of a memory store: the only process that can post is the one that reads.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { type Board, type BoardPost, MAX_POST, MAX_POSTS, WATCHED_MS } from "../board.ts";

/** A board in this process. It sets no timers. */
export class MemoryBoard implements Board {
  readonly #clock: Clock;
  readonly #posts = new Map<string, { readonly text: string; readonly untilUs: number }>();
  readonly #noticers = new Set<() => void>();
  #watchedUntilUs = -Infinity;

  /**
   * An empty board.
   *
   * @param clock What posts end by.
   */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Has `watched` called at each reading. */
  notice(watched: () => void): () => void {
    this.#noticers.add(watched);
    return () => void this.#noticers.delete(watched);
  }

  /** Posts, if there is a watcher. */
  post(id: string, text: string): Promise<boolean> {
    const nowUs = this.#clock.nowUs();
    const isWatched = nowUs < this.#watchedUntilUs;
    if (isWatched) this.#posts.set(id, { text, untilUs: nowUs + WATCHED_MS * 1_000 });
    return Promise.resolve(isWatched);
  }

  /** Reads what was posted within the last seconds. */
  read(): Promise<readonly BoardPost[]> {
    const nowUs = this.#clock.nowUs();
    this.#watchedUntilUs = nowUs + WATCHED_MS * 1_000;
    for (const [id, { untilUs }] of this.#posts) if (untilUs <= nowUs) this.#posts.delete(id);
    for (const watched of this.#noticers) watched();
    const posts = [...this.#posts].slice(0, MAX_POSTS);
    return Promise.resolve(posts.map(([id, { text }]) => ({ id, text: text.length > MAX_POST ? undefined : text })));
  }
}
