/**
 * When an answer of `node:http` or `node:http2` is over, however it ends.
 *
 * Three events report it, and none of them reports every end. `finish` and `close` of the response are not sent for a response
 * that waits behind another one on a pipelined connection; the connection's `close` is. A response of HTTP/2 says neither
 * once its stream is closed, and has no `destroyed`; its stream says both, and whether it was reset. If a client resets a
 * stream with the code NO_ERROR, as `destroy()` of a client of Node does, and has not read the answer, Node sends no event at
 * all. So the guard also looks at streams that take long.
 *
 * @module
 */

import { Rounds } from "./rounds.ts";

/** What is used of a connection. */
export interface NodeSocket {
  /** The address at the other end. */
  readonly remoteAddress?: string | undefined;
  /** Whether the connection is closed. */
  readonly destroyed?: boolean | undefined;
}

/** What is used of a `ServerResponse` of `node:http`, or an `Http2ServerResponse`, to see its end. */
export interface EndingResponse {
  /** Whether everything has been handed to the system. */
  readonly writableFinished?: boolean | undefined;
  /** Whether the connection is gone. HTTP/2 does not say so here. */
  readonly destroyed?: boolean | undefined;
  /** The stream of HTTP/2. */
  readonly stream?: unknown;
  /** Calls back once. */
  once(event: "close" | "finish", listener: () => void): unknown;
}

/** What is used of a stream of HTTP/2. */
interface Http2Stream {
  /** Whether it is closed. */
  readonly closed: boolean;
  /** Whether it is gone. */
  readonly destroyed: boolean;
  /** Whether the client reset it, or left, before the end of the answer. */
  readonly aborted: boolean;
  /** Whether the answer has been handed to the system: `aborted` does not say so of answers that were written before. */
  readonly writableFinished?: boolean | undefined;
}

/** The answer on a stream of HTTP/2 that has not ended. */
interface OpenAnswer {
  readonly stream: Http2Stream;
  /** Called if the stream is closed. */
  readonly closed: () => void;
}

const openAnswers: Rounds<OpenAnswer> = new Rounds((answer) => {
  if (isClosed(answer.stream)) answer.closed();
  else openAnswers.add(answer);
});

/**
 * Calls back once, when the answer has been sent, or cannot be sent any more: at once if that has been so before.
 *
 * @param socket The request's connection.
 * @param response The answer.
 * @param ended Called with whether the client left before the end of the answer.
 */
export function onEnd(socket: NodeSocket, response: EndingResponse, ended: (aborted: boolean) => void): void {
  const stream = streamOf(response);
  const isOver = stream === undefined
    ? response.destroyed || response.writableFinished || socket.destroyed
    : isClosed(stream);
  const isAborted = () =>
    stream === undefined ? !response.writableFinished : stream.aborted || stream.writableFinished === false;
  if (isOver) return ended(isAborted());
  let isFirst = true;
  const end = () => {
    if (!isFirst) return;
    isFirst = false;
    forget();
    ended(isAborted());
  };
  // A connection of HTTP/2 closes its streams, and their responses, before itself.
  const forget = stream === undefined ? onClose(socket, end) : onReset({ stream, closed: end });
  response.once("finish", end);
  response.once("close", end);
}

/** Calls back when a stream turns out to be closed. Returns a function that cancels that. */
function onReset(answer: OpenAnswer): () => void {
  openAnswers.add(answer);
  return () => openAnswers.delete(answer);
}

function isClosed({ closed, destroyed }: Http2Stream): boolean {
  return closed || destroyed;
}

function streamOf({ stream }: EndingResponse): Http2Stream | undefined {
  const { closed, destroyed } = (stream ?? {}) as Partial<Http2Stream>;
  return typeof closed === "boolean" && typeof destroyed === "boolean" ? stream as Http2Stream : undefined;
}

/** Callbacks for the end of a connection. One listener serves all, because many requests may be pipelined on it. */
const waiting = new WeakMap<NodeSocket, Set<() => void>>();

/** Calls back when a connection closes. Returns a function that cancels that. */
function onClose(socket: NodeSocket, closed: () => void): () => void {
  const { once } = socket as { once?: (event: "close", listener: () => void) => unknown };
  if (typeof once !== "function") return () => {}; // a request that was made up for a test
  let listeners = waiting.get(socket);
  if (listeners === undefined) {
    const all = listeners = new Set();
    waiting.set(socket, all);
    once.call(socket, "close", () => {
      for (const listener of all) listener();
    });
  }
  listeners.add(closed);
  return () => listeners.delete(closed);
}
