/**
 * Bodies that are streams of Node. Answers of node-fetch and its relatives have such a body in place of a
 * `ReadableStream`.
 *
 * @module
 */

import { onAbort } from "../../base/abort.ts";

/** What is used of a stream of Node. */
export interface NodeBody extends AsyncIterable<Uint8Array> {
  on(event: "end" | "close", listener: () => void): unknown;
  destroy(): unknown;
}

/** The body as a stream of Node; undefined if it is another body, or none. */
export function asNodeBody(body: unknown): NodeBody | undefined {
  const { on, destroy } = (body ?? {}) as Partial<NodeBody>;
  return typeof on === "function" && typeof destroy === "function" ? body as NodeBody : undefined;
}

/** Whether an answer has no body, whatever stream it comes with. */
export function isEmpty(method: string, { status, headers }: Response): boolean {
  return method === "HEAD" || status === 204 || status === 304 || headers.get("content-length") === "0";
}

/** The permits of bodies that were dropped unread: they are released when the memory is collected. */
const forgotten = new FinalizationRegistry<() => void>((release) => release());

/**
 * Calls back once when the body was read, was destroyed, or failed. The caller gets the body itself.
 *
 * @param signal Destroys the body, whether or not the one who made it listens to it.
 * @param release Must not throw.
 */
export function trackNodeBody(body: NodeBody, signal: AbortSignal | undefined, release: () => void): void {
  const token = {};
  let isDone = false;
  let stay = () => {};
  const done = () => {
    if (isDone) return;
    isDone = true;
    stay();
    forgotten.unregister(token);
    release();
  };
  body.on("end", done);
  body.on("close", done);
  forgotten.register(body, done, token);
  const held = new WeakRef(body); // a signal that lives long must not keep a body which the program has dropped
  const abort = () => {
    held.deref()?.destroy(); // without an error, which would end the process if nothing reads the body
    done();
  };
  if (signal?.aborted) abort();
  else stay = onAbort(signal, abort);
}
