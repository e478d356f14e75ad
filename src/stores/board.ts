/**
 * The board of a store: where processes that share the store leave reports for watchers.
 *
 * Nothing is written while there is no watcher. A process learns of watchers while it makes calls anyway: it sets no timer and
 * opens no connection for that.
 *
 * @module
 */

/** How long processes go on posting after the board was read last, and how long a post stays, in milliseconds. */
export const WATCHED_MS = 5_000;

/** The longest post, in characters. Longer ones are not read. */
export const MAX_POST = 65_536;

/** How many posts are read; further ones are left out. */
export const MAX_POSTS = 4_096;

/** What a process has posted last. */
export interface BoardPost {
  /** The process, by a random id. */
  readonly id: string;
  /** What it says; undefined where it is longer than `MAX_POST`. Anything may stand there: other versions write too. */
  readonly text: string | undefined;
}

/** The board of a store. */
export interface Board {
  /**
   * Has `watched` called when this process, which uses the store, learns that the board is read: some seconds later at
   * most. Called again and again while it is, unless the process posts. It must not throw.
   *
   * @returns Ends that.
   */
  notice(watched: () => void): () => void;
  /**
   * Posts a text, in place of the earlier one of the same id, for some seconds. It is not kept where there is no watcher.
   *
   * @param id The process: up to 64 letters and digits.
   * @param text What it says, up to `MAX_POST` characters.
   * @returns Whether there is a watcher.
   * @throws {StoreError} If the store cannot be reached, or refuses.
   */
  post(id: string, text: string): Promise<boolean>;
  /**
   * Asks all processes to post for some seconds, and reads what they have posted. Call it once a second while watching.
   *
   * @throws {StoreError} If the store cannot be reached, or refuses.
   */
  read(): Promise<readonly BoardPost[]>;
}

/** Whether a text is an id of a process. */
export function isPostId(id: string): boolean {
  return /^[0-9A-Za-z]{1,64}$/.test(id);
}
