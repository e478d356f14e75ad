/**
 * A real server on a loopback port that answers as the test says, and a limited fetch on a clock that the test moves.
 *
 * @module
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";

import { createRateSync, type LimiterOptions, type RateSync } from "@ratesync/core";
import { type Fetch, limitedFetch, type LimitedFetchOptions, type Throttled } from "@ratesync/core/outbound";
import { FakeClock } from "@ratesync/core/testing";

/** What arrived at a server. */
export interface Received {
  /** Its method. */
  readonly method: string;
  /** Its path. */
  readonly path: string;
  /** Its body. */
  readonly body: string;
  /** Its headers. */
  readonly headers: IncomingMessage["headers"];
}

/** What a server answers. */
export interface Reply {
  /** The status. @default {200} */
  readonly status?: number;
  /** The headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The body. @default {"ok"} */
  readonly body?: string;
}

/** Answers by hand, or returns what to answer. */
export type Handler = (received: Received, response: ServerResponse, count: number) => Reply | undefined;

/** A server on a loopback port. */
export interface LoopbackServer extends AsyncDisposable {
  /** Where it is, without a path. */
  readonly url: string;
  /** What has arrived, in order. */
  readonly received: Received[];
}

/** Starts a server. Requests are counted from 1. */
export async function startServer(handle: Handler): Promise<LoopbackServer> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += piece;
    const arrived = { method: request.method ?? "", path: request.url ?? "", body, headers: request.headers };
    received.push(arrived);
    const reply = handle(arrived, response, received.length);
    if (reply === undefined) return;
    const text = reply.body ?? "ok";
    response.writeHead(reply.status ?? 200, { "content-length": text.length, ...reply.headers }).end(text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      // More than once: Deno may still accept one that a client has just opened, and would wait for its end.
      const closing = setInterval(() => server.closeAllConnections(), 20);
      await closed;
      clearInterval(closing);
    },
  };
}

/** A server, and an instance in virtual time that calls it. */
export interface Lab extends AsyncDisposable {
  /** The clock of the instance. It moves on when nothing is under way any more. */
  readonly clock: FakeClock;
  /** The instance. Its limiter is `partner`. */
  readonly rs: RateSync<"partner">;
  /** The server. */
  readonly server: LoopbackServer;
  /** The limited fetch. */
  readonly fetch: Fetch;
  /** The pauses that it told of. */
  readonly throttled: Throttled[];
  /** When each request was sent, in milliseconds since the start of the clock. */
  readonly sentMs: number[];
}

/** Opens a laboratory. */
export async function openLab(
  handle: Handler,
  limiter: LimiterOptions = { limit: 1_000, windowMs: 1_000 },
  options: Omit<LimitedFetchOptions, "limiter" | "rateSync"> = {},
): Promise<Lab> {
  const server = await startServer(handle);
  let underWay = 0;
  const settle = async () => {
    do {
      for (let turns = 0; turns < 10; turns++) await turn();
      if (underWay > 0) await sleep(1);
    } while (underWay > 0);
  };
  const clock = new FakeClock(undefined, { settle });
  const startMs = clock.nowUs() / 1_000;
  const rs = createRateSync({ clock, limiters: { partner: limiter } });
  const throttled: Throttled[] = [];
  const sentMs: number[] = [];
  const watched: Fetch = async (input, init) => {
    sentMs.push(clock.nowUs() / 1_000 - startMs);
    underWay++;
    try {
      return await fetch(input, init);
    } finally {
      underWay--;
    }
  };
  return {
    clock,
    rs,
    server,
    throttled,
    sentMs,
    fetch: limitedFetch(watched, {
      rateSync: rs,
      limiter: "partner",
      onThrottled: (pause) => void throttled.push(pause),
      ...options,
    }),
    async [Symbol.asyncDispose]() {
      await rs.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Answers the first `count` requests with one reply, and later ones with `ok`. */
export function first(count: number, reply: Reply): Handler {
  return (_received, _response, place) => place <= count ? reply : {};
}
