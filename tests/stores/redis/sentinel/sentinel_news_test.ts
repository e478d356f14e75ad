import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Socket } from "node:net";

import { openNodeRedis } from "../../../../src/stores/redis/connections/node_redis.ts";
import { freshPrefix } from "../../../_support/redis.ts";
import { type FakeServer, scriptOf, startRedis, startServer, until } from "../_servers.ts";

const increment = scriptOf("return redis.call('INCR', KEYS[1])");

/** A Sentinel that names one primary to each client, and sends listeners what the test makes it send. */
interface FakeSentinel {
  readonly server: FakeServer;
  /** Sends a message to those who listen on a channel. */
  tell(channel: string, message: string): void;
  /** The channels that are listened on. */
  readonly channels: ReadonlySet<string>;
}

/** Starts one that lets clients listen on some channels. */
async function startSentinel(primaryPort: number, allowed: readonly string[]): Promise<FakeSentinel> {
  const listeners = new Map<string, Socket>();
  const answer = (socket: Socket, [name = "", ...args]: string[]): string => {
    const command = name.toLowerCase();
    if (command === "sentinel") return array("127.0.0.1", String(primaryPort));
    if (command === "hello") return "%0\r\n";
    if (command === "ping") return "+PONG\r\n";
    if (command !== "subscribe") return "-ERR unknown command\r\n";
    const channel = args[0] as string;
    if (!allowed.includes(channel)) return "-NOPERM this user has no permissions to access the channel\r\n";
    listeners.set(channel, socket);
    return `>3\r\n${bulk("subscribe")}${bulk(channel)}:1\r\n`;
  };
  const server = await startServer((socket) => {
    let text = "";
    socket.on("data", (data) => {
      text += data.toString();
      for (;;) {
        const command = /^\*(\d+)\r\n/.exec(text);
        const parts = [...text.matchAll(/\$\d+\r\n(.*?)\r\n/g)].slice(0, Number(command?.[1]));
        if (command === null || parts.length < Number(command[1])) return;
        const last = parts.at(-1) as RegExpMatchArray;
        text = text.slice((last.index as number) + last[0].length);
        socket.write(answer(socket, parts.map(([, part = ""]) => part)));
      }
    });
  });
  return {
    server,
    tell: (channel, message) =>
      void listeners.get(channel)?.write(`>3\r\n${["message", channel, message].map(bulk).join("")}`),
    get channels() {
      return new Set(listeners.keys());
    },
  };
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

function array(...items: string[]): string {
  return `*${items.length}\r\n${items.map(bulk).join("")}`;
}

describe("News from a Sentinel", { timeout: 60_000 }, () => {
  const news = {
    "+switch-master": (old: number, next: number) => `mymaster 127.0.0.1 ${old} 127.0.0.1 ${next}`,
    "+promoted-slave": (old: number, next: number) =>
      `slave 127.0.0.1:${next} 127.0.0.1 ${next} @ mymaster 127.0.0.1 ${old}`,
  } as const;

  for (const [channel, messageOf] of Object.entries(news)) {
    it(`on ${channel} leads to the new primary, while the old one is there and no other Sentinel knows`, async () => {
      await using old = await startRedis();
      await using next = await startRedis();
      const sentinel = await startSentinel(old.port, Object.keys(news));
      await using _server = sentinel.server;
      const key = freshPrefix();
      const sentinels = [`redis://127.0.0.1:${sentinel.server.port}`];
      const connection = openNodeRedis({ sentinels, masterName: "mymaster" });
      await connection.run(increment, [key], []);
      await until(() => sentinel.channels.size === 2);
      sentinel.tell(channel, messageOf(old.port, next.port));
      await until(async () => await connection.run(increment, [key], []).catch(() => 0) === 1);
      assert.equal(await next.command("GET", key), "1");
      await connection.close();
    });
  }

  it("is heard on +switch-master by a user who may listen on nothing else", async () => {
    await using old = await startRedis();
    await using next = await startRedis();
    const sentinel = await startSentinel(old.port, ["+switch-master"]);
    await using _server = sentinel.server;
    const key = freshPrefix();
    const sentinels = [`redis://127.0.0.1:${sentinel.server.port}`];
    const connection = openNodeRedis({ sentinels, masterName: "mymaster" });
    await connection.run(increment, [key], []);
    await until(() => sentinel.channels.size === 1);
    sentinel.tell("+switch-master", news["+switch-master"](old.port, next.port));
    await until(async () => await connection.run(increment, [key], []).catch(() => 0) === 1);
    await connection.close();
  });
});
