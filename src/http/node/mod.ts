/**
 * Guards `node:http`, and whatever speaks like it, on every runtime.
 *
 * @example A server
 * ```ts
 * import { createServer } from "node:http";
 * import { guardHandler } from "@ratesync/core/http/node";
 *
 * createServer(guardHandler((_request, response) => void response.end("hello"), { limiter: "api" })).listen(3000);
 * ```
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";

import type { Admission } from "../admission.ts";
import { type Guard, guardOf } from "../guard.ts";
import { setHeaders } from "../headers.ts";
import type { GuardOptions } from "../options.ts";

/** What is used of an `IncomingMessage`. */
export interface NodeRequest {
  /** The method. */
  readonly method?: string | undefined;
  /** The path with its query. */
  readonly url?: string | undefined;
  /** The headers, names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The connection. */
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** What is used of a `ServerResponse`. */
export interface NodeResponse {
  /** The status of the answer. */
  statusCode: number;
  /** Whether headers have been sent. */
  readonly headersSent: boolean;
  /** Whether everything has been handed to the system. */
  readonly writableFinished: boolean;
  /** Whether the connection is gone. */
  readonly destroyed: boolean;
  /** A header that is set. */
  getHeader(name: string): number | string | readonly string[] | undefined;
  /** Sets a header. */
  setHeader(name: string, value: string): unknown;
  /** Sends a part of the body. */
  write: (...args: never[]) => boolean;
  /** Sends the last part of the body. */
  end: (...args: never[]) => unknown;
  /** Calls back once. */
  once(event: "close" | "finish", listener: () => void): unknown;
}

/** Goes on to what comes next; with an error, to what handles errors. */
export type Next = (error?: unknown) => void;

/**
 * A handler that is called for requests that the guard lets in, and only for them. A slot is held until the answer has
 * been sent or the client has left. Where the guard cannot be used, because its limiter is not there, it logs why and
 * answers 500.
 *
 * @param handler Answers.
 * @param options How it is guarded, or a guard.
 * @returns The handler. What it returns rejects if `handler` throws or rejects.
 */
export function guardHandler<Req extends NodeRequest = IncomingMessage, Res extends NodeResponse = ServerResponse>(
  handler: (request: Req, response: Res) => unknown,
  options: GuardOptions<Req> | Guard<Req>,
): (request: Req, response: Res) => Promise<void> {
  const guard = guardOf(options);
  return async (request, response) => {
    let admission: Admission;
    try {
      admission = await admitNode(guard, request, response);
    } catch (error) {
      console.error("rate-sync: a request could not be guarded, it is answered 500", error);
      response.statusCode = 500;
      return end(response, "");
    }
    if (!admission.allowed) return;
    try {
      await handler(request, response);
    } catch (error) {
      await admission.finish({ error });
      throw error;
    }
  };
}

/**
 * Middleware that calls `next` for requests that the guard lets in, and answers all others. Where the guard cannot be
 * used, because its limiter is not there, `next` is called with the error.
 *
 * @param options How it guards, or a guard.
 */
export function guardMiddleware<Req extends NodeRequest = IncomingMessage, Res extends NodeResponse = ServerResponse>(
  options: GuardOptions<Req> | Guard<Req>,
): (request: Req, response: Res, next: Next) => void {
  const guard = guardOf(options);
  return (request, response, next) => {
    admitNode(guard, request, response).then(({ allowed }) => allowed ? next() : undefined, next);
  };
}

/**
 * Asks the guard, sets headers, and answers a request that is refused. One that is let in is finished when its answer
 * has been sent or the client has left.
 *
 * @param guard The guard.
 * @param request The request.
 * @param response Its answer.
 * @param raw What options see as `request.raw`. @default the request
 */
export async function admitNode<Req extends NodeRequest, Raw = Req>(
  guard: Guard<Raw>,
  request: Req,
  response: NodeResponse,
  raw: Raw = request as unknown as Raw,
): Promise<Admission> {
  const admission = await guard.admit({
    method: request.method ?? "GET",
    url: request.url ?? "/",
    headers: request.headers,
    peer: request.socket.remoteAddress,
    signal: guard.waits ? signalOf(response) : undefined,
    raw,
  });
  if (!response.headersSent) {
    setHeaders(admission.headers, {
      get: (name) => response.getHeader(name)?.toString(),
      set: (name, value) => void response.setHeader(name, value),
    });
  }
  if (!admission.allowed) {
    response.statusCode = admission.status;
    end(response, admission.body);
  } else if (admission.isOpen) finishWith(response, admission);
  return admission;
}

/** Finishes an admission with its answer. */
function finishWith(response: NodeResponse, admission: Admission): void {
  const sent = countBytes(response);
  const finish = () => {
    const aborted = !response.writableFinished;
    void admission.finish({ status: aborted ? undefined : response.statusCode, bytes: sent(), aborted });
  };
  if (response.destroyed) return finish();
  response.once("finish", finish);
  response.once("close", finish);
}

/** Counts the bytes of body that are written from now on. */
function countBytes(response: NodeResponse): () => number {
  let bytes = 0;
  for (const name of ["write", "end"] as const) {
    const send = response[name] as (...args: unknown[]) => never;
    response[name] = function (this: unknown, ...args: unknown[]): never {
      const [chunk, encoding] = args;
      if (typeof chunk === "string") bytes += byteLength(chunk, encoding);
      else if (chunk instanceof Uint8Array) bytes += chunk.byteLength;
      return send.apply(this, args);
    };
  }
  return () => bytes;
}

function byteLength(text: string, encoding: unknown): number {
  switch (encoding) {
    case "latin1":
    case "binary":
    case "ascii":
      return text.length;
    case "hex":
      return text.length >> 1;
    default:
      return encoder.encode(text).byteLength;
  }
}

const encoder = new TextEncoder();

function signalOf(response: NodeResponse): AbortSignal {
  const controller = new AbortController();
  if (response.destroyed) controller.abort();
  else response.once("close", () => controller.abort());
  return controller.signal;
}

function end(response: NodeResponse, body: string): void {
  (response as unknown as { end(body: string): void }).end(body);
}
