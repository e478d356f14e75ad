/**
 * The file of a Unix socket that a server has left behind.
 *
 * @module
 */

import { unlink } from "node:fs/promises";
import { connect } from "node:net";

/** Deletes the file of a socket on which no server listens any more: one that was killed leaves it. */
export async function freeSocket(path: string): Promise<void> {
  const code = await new Promise<string | undefined>((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("error", (error: Error & { code?: string }) => resolve(error.code));
  });
  if (code === "ECONNREFUSED") await unlink(path);
}
