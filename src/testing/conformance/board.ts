/**
 * The board, of stores that have one: what processes leave for those who watch.
 *
 * @module
 */

import assert from "node:assert/strict";

import { type Board, MAX_POST } from "../../stores/board.ts";
import type { Bench, Topic } from "./bench.ts";

const ODD = 'line\nbreak, "quotes", \u0000, \u{1F600}, <script>';

/** Cases on the board. */
export const board: Topic = {
  topic: "board",
  cases: [
    {
      name: "it keeps no post while there is no watcher, and the latest post of each process while there is one",
      covers: [],
      run: (bench) =>
        withBoard(bench, async (board) => {
          assert.equal(await board.post("one", "unwatched"), false);
          assert.deepEqual(await board.read(), []);
          assert.equal(await board.post("one", "first"), true);
          assert.equal(await board.post("one", ODD), true);
          assert.equal(await board.post("two", ""), true);
          assert.deepEqual(sorted(await board.read()), [{ id: "one", text: ODD }, { id: "two", text: "" }]);
        }),
    },
    {
      name: "it does not read a post that is too long",
      covers: [],
      run: (bench) =>
        withBoard(bench, async (board) => {
          await board.read();
          await board.post("longest", "x".repeat(MAX_POST));
          await board.post("longer", "x".repeat(MAX_POST + 1));
          const posts = sorted(await board.read()).map(({ id, text }) => [id, text?.length]);
          assert.deepEqual(posts, [["longer", undefined], ["longest", MAX_POST]]);
        }),
    },
  ],
};

async function withBoard(bench: Bench, run: (board: Board) => Promise<void>): Promise<void> {
  const { board } = bench.store;
  if (board !== undefined) await run(board);
}

function sorted<Post extends { readonly id: string }>(posts: readonly Post[]): Post[] {
  return posts.toSorted((a, b) => a.id < b.id ? -1 : 1);
}
