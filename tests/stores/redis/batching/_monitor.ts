/**
 * What a Redis server is really sent, by its own word: `MONITOR`.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { createConnection } from "node:net";
import { createInterface } from "node:readline";

import { openRawRedis } from "../../../_support/raw_redis.ts";
import type { RedisProcess } from "../_servers.ts";

/** Looks at everything that a server is sent. */
export interface Monitor extends AsyncDisposable {
  /**
   * Does something, and returns the commands that reached the server meanwhile. What scripts call inside does not count, and
   * neither do looks of a process for watchers of the fleet, one in two seconds.
   */
  during(act: () => Promise<unknown>): Promise<string[]>;
  /** The commands of such looks in the last `during`. */
  readonly looks: readonly string[];
}

/** Starts to look. */
export async function openMonitor(server: RedisProcess): Promise<Monitor> {
  const raw = await openRawRedis(server.url);
  const socket = createConnection(server.port, "127.0.0.1");
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  socket.write("MONITOR\r\n");
  await lines.next(); // +OK
  let looks: string[] = [];

  /** A line is `+1700000000.123456 [0 127.0.0.1:50000] "COMMAND" "argument" ...`, with `[0 lua]` inside scripts. */
  async function readUntil(mark: string): Promise<string[]> {
    const commands: string[] = [];
    for (;;) {
      const { value = "" } = await lines.next();
      if (value.includes(mark)) return commands;
      const command = /^\+\S+ \[\d+ (?!lua\])\S+\] "([^"]*)"/.exec(value)?.[1]?.toUpperCase();
      if (command !== undefined) (value.includes("%fleet}:watch") ? looks : commands).push(command);
    }
  }

  return {
    get looks() {
      return looks;
    },
    async during(act) {
      const [from, to] = [randomUUID(), randomUUID()];
      await raw.send("ECHO", from);
      await readUntil(from);
      looks = [];
      await act();
      await raw.send("ECHO", to);
      return await readUntil(to);
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await raw.close();
    },
  };
}
