/**
 * The board over a stream: posts are messages, and every process keeps the latest ones for some seconds.
 *
 * @module
 */

import { steadyUs, systemClock } from "../../base/clock.ts";
import { type Board, type BoardPost, isPostId, MAX_POST, MAX_POSTS, WATCHED_MS } from "../board.ts";
import type { Notice } from "./message.ts";
import type { LogReply } from "./replica.ts";

interface Post {
  readonly text: string | undefined;
  readonly untilUs: number;
}

/** The board of one process. */
export class LogBoard implements Board {
  readonly #send: (notice: Notice) => Promise<readonly LogReply[]>;
  readonly #posts = new Map<string, Post>();
  readonly #watched = new Set<() => void>();
  #watchedUntilUs = -Infinity;
  #usedUs = -Infinity;

  /**
   * @param send Sends a notice to all processes; resolves when it has been read here.
   */
  constructor(send: (notice: Notice) => Promise<readonly LogReply[]>) {
    this.#send = send;
  }

  /** Has `watched` called when a process reads the board, if this process makes calls. */
  notice(watched: () => void): () => void {
    this.#watched.add(watched);
    return () => void this.#watched.delete(watched);
  }

  /** The store sends calls of this process: it has something to report. */
  used(): void {
    this.#usedUs = nowUs();
  }

  /** Posts a text, if there is a watcher. */
  async post(id: string, text: string): Promise<boolean> {
    if (nowUs() >= this.#watchedUntilUs) return false;
    await this.#send({ op: "post", id, text: text.slice(0, MAX_POST + 1) });
    return true;
  }

  /** Asks all processes to post, and reads what has come. */
  async read(): Promise<readonly BoardPost[]> {
    await this.#send({ op: "watch" });
    return Array.from(this.#posts, ([id, { text }]): BoardPost => ({ id, text }));
  }

  /** A process has posted something, or reads. */
  noticed(notice: Notice): void {
    const now = nowUs();
    if (notice.op === "watch") {
      this.#watchedUntilUs = now + WATCHED_MS * 1_000;
      const isUsed = now - this.#usedUs < WATCHED_MS * 1_000;
      if (isUsed) { for (const watched of this.#watched) watched(); }
    } else if (notice.op === "post" && isPostId(notice.id)) this.#keep(notice.id, notice.text, now);
    for (const [id, { untilUs }] of this.#posts) if (untilUs <= now) this.#posts.delete(id);
  }

  #keep(id: string, text: string, now: number): void {
    if (!this.#posts.has(id) && this.#posts.size >= MAX_POSTS) return;
    const read = typeof text === "string" && text.length <= MAX_POST ? text : undefined;
    this.#posts.set(id, { text: read, untilUs: now + WATCHED_MS * 1_000 });
  }
}

function nowUs(): number {
  return steadyUs(systemClock);
}
