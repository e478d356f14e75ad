/**
 * An answer whose permit is held until its body has ended.
 *
 * @module
 */

import { onAbort } from "../../base/abort.ts";
import { asNodeBody, isEmpty, trackNodeBody } from "./node_body.ts";

/** What must be ended when a body is garbage. */
interface Forgotten {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly done: () => void;
}

/** Bodies that were dropped unread: their permits are released when the memory is collected. */
const forgotten = new FinalizationRegistry<Forgotten>(({ reader, done }) => {
  reader.cancel().catch(() => {});
  done();
});

/**
 * The same answer, with a callback at its end: when its body was read, cancelled, or failed; at once where it has none.
 *
 * @param answer The answer. Its body must not be read by others any more.
 * @param method That of the request.
 * @param signal Aborts the body too, with its reason, whether or not the one who made the answer listens to it.
 * @param release Called once. Must not throw.
 */
export function trackBody(
  answer: Response,
  method: string,
  signal: AbortSignal | undefined,
  release: () => void,
): Response {
  const { body } = answer;
  if (body === null) {
    release();
    return answer;
  }
  const nodeBody = asNodeBody(body);
  if (nodeBody !== undefined) {
    if (isEmpty(method, answer)) release();
    else trackNodeBody(nodeBody, signal, release);
    return answer;
  }
  const token = {};
  let stay = () => {};
  const done = onceOf(() => {
    stay();
    forgotten.unregister(token);
    release();
  });
  const reader = body.getReader();
  const { stream, fail } = follow(reader, plainLength(answer), done);
  // Deno aborts a body only while the answer that it came with is reachable; this keeps only its reader.
  const abort = () => fail(signal?.reason);
  if (signal?.aborted) abort();
  else stay = onAbort(signal, abort);
  forgotten.register(stream, { reader, done }, token);
  return disguise(copyOf(answer, stream), answer);
}

/** Statuses from 600, reason phrases in UTF-8 and bodies of statuses that have none: servers send them, but the constructor throws for them. */
function copyOf({ status, statusText, ok, headers }: Response, stream: ReadableStream<Uint8Array>): Response {
  try {
    return new Response(stream, { status, statusText, headers });
  } catch {
    return override(new Response(stream, { headers }), { status, statusText, ok });
  }
}

/** A body that follows another one, and how to end both before their time. */
interface Followed {
  readonly stream: ReadableStream<Uint8Array>;
  readonly fail: (reason: unknown) => void;
}

function follow(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  length: number | undefined,
  done: () => void,
): Followed {
  let received = 0;
  let fail: Followed["fail"] = () => {};
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      // Held weakly: a signal that lives long must not keep a body which the program has dropped.
      const held = new WeakRef(controller);
      fail = (reason) => {
        done();
        held.deref()?.error(reason);
        reader.cancel(reason).catch(() => {});
      };
    },
    async pull(controller) {
      try {
        const { done: ended, value } = await reader.read();
        if (value !== undefined) {
          received += value.byteLength;
          controller.enqueue(value);
        }
        // The last piece is recognised by the length, because many readers do not read on to the end.
        if (!ended && (length === undefined || received < length)) return;
        done();
        controller.close();
        if (!ended) reader.read().catch(() => {}); // its end, so that the connection can be used again
      } catch (error) {
        done();
        controller.error(error);
      }
    },
    async cancel(reason) {
      done();
      await reader.cancel(reason);
    },
  });
  return { stream, fail };
}

/** How long the body is, where what is read is what was sent. */
function plainLength({ headers }: Response): number | undefined {
  const text = headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) && !headers.has("content-encoding") ? Number(text) : undefined;
}

/** A response that was made by hand knows nothing of where it came from. */
function disguise(copy: Response, { url, redirected, type, status, statusText, ok }: Response): Response {
  const isSame = copy.status === status && copy.statusText === statusText;
  const facts = { url, redirected, type, ...isSame ? {} : { status, statusText, ok } };
  const clone = () => disguise(Response.prototype.clone.call(copy), copy);
  return override(copy, { ...facts, clone });
}

function override(response: Response, facts: Readonly<Record<string, unknown>>): Response {
  return Object.defineProperties(
    response,
    Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, { value, configurable: true }])),
  );
}

function onceOf(callback: () => void): () => void {
  let called = false;
  return () => {
    if (called) return;
    called = true;
    callback();
  };
}
