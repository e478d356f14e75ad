/**
 * A REST endpoint in front of the tests' Redis: the wire protocol of Upstash's, as far as its clients use it.
 *
 * `POST /` takes a command as a JSON array, `POST /pipeline` and `/multi-exec` several. Answers are `{ result }` or
 * `{ error }`, with texts in base64 where the client asks for it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { createClient } from "@redis/client";

import { redisUrl } from "./redis.ts";

/** The token that endpoints of the tests take. */
export const TOKEN = "AbCdEf0123456789-rest-token";

/** What an endpoint does with a request in place of answering it; `true` if it did. */
export type Misbehave = (
  request: IncomingMessage,
  response: ServerResponse,
  body: string,
) => boolean | Promise<boolean>;

/** A running endpoint. Disposing it ends it. */
export interface RestRedis extends AsyncDisposable {
  /** Where it is. */
  readonly url: string;
  /** The bodies of all requests, in order of arrival. */
  readonly bodies: readonly unknown[];
  /** Takes requests over while it is set. */
  misbehave: Misbehave | undefined;
  /** What is done after a command has run and before its answer is sent; `true` if no answer follows. */
  afterwards: Misbehave | undefined;
}

type Command = readonly (string | number)[];

/** How scripts of `@upstash/ratelimit` begin: a flag of Upstash's servers, which Redis refuses. */
const UPSTASH_ONLY = /^#!lua flags=allow-key-locking\n/;

/** Starts an endpoint in front of a Redis. */
export async function startRestRedis(upstream: string = redisUrl()): Promise<RestRedis> {
  const redis = createClient({ url: upstream });
  redis.on("error", () => {});
  await redis.connect();
  const bodies: unknown[] = [];

  const run = async (command: Command): Promise<{ result: unknown } | { error: string }> => {
    try {
      return { result: await redis.sendCommand(command.map((part) => String(part).replace(UPSTASH_ONLY, ""))) };
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  };
  const answer = async (path: string, body: unknown): Promise<[status: number, answer: unknown]> => {
    if (path === "/") {
      const reply = await run(body as Command);
      return ["error" in reply ? 400 : 200, reply];
    }
    if (path === "/pipeline" || path === "/multi-exec") {
      return [200, await Promise.all((body as Command[]).map(run))];
    }
    return [404, { error: `no such path: ${path}` }];
  };

  const server = createServer(async (request, response) => {
    const text = await textOf(request);
    if (await endpoint.misbehave?.(request, response, text)) return;
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      return send(response, 401, { error: "WRONGPASS invalid or missing auth token" });
    }
    const body: unknown = JSON.parse(text);
    bodies.push(body);
    const [status, reply] = await answer(request.url ?? "", body);
    if (await endpoint.afterwards?.(request, response, text)) return;
    send(response, status, request.headers["upstash-encoding"] === "base64" ? inBase64(reply) : reply);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint: RestRedis = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    misbehave: undefined,
    afterwards: undefined,
    async [Symbol.asyncDispose]() {
      await end(server);
      await redis.close();
    },
  };
  return endpoint;
}

function end(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  request.setEncoding("utf8");
  for await (const chunk of request) text += chunk;
  return text;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

/** Every text of a result, but the status "OK" and the texts of errors. */
function inBase64(reply: unknown): unknown {
  const encode = (value: unknown): unknown => {
    if (typeof value === "string") return Buffer.from(value).toString("base64");
    return Array.isArray(value) ? value.map(encode) : value;
  };
  const encodeReply = (one: { result?: unknown }) => {
    return "result" in one && one.result !== "OK" ? { ...one, result: encode(one.result) } : one;
  };
  return Array.isArray(reply) ? reply.map(encodeReply) : encodeReply(reply as { result?: unknown });
}
