/**
 * What adapters over `node:http` share: the request and the response as Node shapes them, and when they end.
 *
 * @module
 */

import type { Admission } from "./admission.ts";
import { remember, repeated } from "./admissions.ts";
import type { Guard } from "./guard.ts";
import { type HeaderAccess, setHeadersOf } from "./set_headers.ts";
import { readNodeBody } from "./node_body.ts";
import { onEnd } from "./node_end.ts";

/** What is used of an `IncomingMessage`. */
export interface NodeRequest {
  /** The method. */
  readonly method?: string | undefined;
  /** The path with its query. */
  readonly url?: string | undefined;
  /** The headers, names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The connection. */
  readonly socket: { readonly remoteAddress?: string | undefined; readonly destroyed?: boolean | undefined };
}

/** What is used of a `ServerResponse`. */
export interface NodeResponse {
  /** The status of the answer. */
  statusCode: number;
  /** Whether headers have been sent. */
  readonly headersSent: boolean;
  /** Whether everything has been handed to the system. */
  readonly writableFinished?: boolean | undefined;
  /** Whether the connection is gone; `undefined` of HTTP/2, whose stream says so. */
  readonly destroyed?: boolean | undefined;
  /** The stream of HTTP/2. */
  readonly stream?: unknown;
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

/**
 * Checks a request, sets headers, and answers a request that is denied. One that is allowed is finished when its answer has
 * been sent or the client has left.
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
  const again = repeated(raw as object, guard);
  if (again !== undefined) return again;
  return answer(guard, raw, request, response, await ask(guard, raw, request, response, request.url));
}

/** Asks a guard about a request that is new to it. Throws, or rejects with, what `admitNode` rejects with. */
function ask<Raw>(
  guard: Guard<Raw>,
  raw: Raw,
  request: NodeRequest,
  response: NodeResponse,
  url: string | undefined,
): Admission | Promise<Admission> {
  return guard.admitNow({
    method: request.method ?? "GET",
    url: url ?? "/",
    headers: request.headers,
    peer: request.socket.remoteAddress,
    signal: guard.waits ? signalOf(request, response) : undefined,
    readBody: readNodeBody as (raw: Raw, maxBytes: number) => unknown,
    raw,
  });
}

/** Sets headers, and answers a request that is denied. */
function answer<Raw>(
  guard: Guard<Raw>,
  raw: Raw,
  request: NodeRequest,
  response: NodeResponse,
  admission: Admission,
): Admission {
  remember(raw as object, guard, admission);
  if (!response.headersSent) setHeadersOf(response, admission.headers, NODE_HEADERS);
  if (!admission.allowed) {
    response.statusCode = admission.status;
    end(response, admission.body);
  } else if (admission.isOpen) finishWith(request, response, admission);
  return admission;
}

/** The headers of a `ServerResponse`. */
const NODE_HEADERS: HeaderAccess<NodeResponse> = {
  get: (response, name) => response.getHeader(name)?.toString(),
  set: (response, name, value) => void response.setHeader(name, value),
};

/**
 * Middleware that calls `next` for allowed requests, and answers denied ones. Where the guard cannot be used,
 * `next` is called with the error.
 *
 * @param guard The guard.
 * @param urlOf The path of a request with its query, as the client sent it.
 */
export function nodeMiddleware<Req extends NodeRequest>(
  guard: Guard<Req>,
  urlOf: (request: Req) => string | undefined,
): (request: Req, response: NodeResponse, next: Next) => void {
  return (request, response, next) => {
    const again = repeated(request, guard);
    if (again !== undefined) return again.allowed ? next() : undefined;
    // What `next` throws is not caught: it is not the guard's.
    const pass = (admission: Admission) => {
      let allowed: boolean;
      try {
        ({ allowed } = answer(guard, request, request, response, admission));
      } catch (error) {
        return next(error);
      }
      if (allowed) next();
    };
    let admission: Admission | Promise<Admission>;
    try {
      admission = ask(guard, request, request, response, urlOf(request));
    } catch (error) {
      return next(error);
    }
    if (admission instanceof Promise) admission.then(pass, next);
    else pass(admission);
  };
}

/** Goes on to what comes next; with an error, to what handles errors. */
export type Next = (error?: unknown) => void;

/** Finishes an admission with its answer. */
export function finishWith(
  { socket }: Pick<NodeRequest, "socket">,
  response: NodeResponse,
  admission: Admission,
): void {
  const sent = countBytes(response);
  onEnd(socket, response, (aborted) => {
    void admission.finish({ status: aborted ? undefined : response.statusCode, bytes: sent(), aborted });
  });
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

/** Aborted when an answer has been sent or the client has left. */
export function signalOf({ socket }: Pick<NodeRequest, "socket">, response: NodeResponse): AbortSignal {
  const controller = new AbortController();
  onEnd(socket, response, () => controller.abort());
  return controller.signal;
}

/** Sends the last part of the body. */
export function end(response: NodeResponse, body: string): void {
  // The overloads of `end` differ between HTTP/1 and HTTP/2.
  (response as unknown as { end(body: string): void }).end(body);
}
