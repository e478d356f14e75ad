/**
 * What adapters share whose answers are `Response`s: headers that can be set on each, and the end of a request.
 *
 * @module
 */

import type { Admission } from "./admission.ts";
import type { HeaderPair } from "./header_pair.ts";
import { Rounds } from "./rounds.ts";
import { setHeaders } from "./set_headers.ts";
import { begunToRead, type WatchedBody, watchUnread } from "./unread.ts";

/**
 * Requests on `Deno.serve` whose handlers run. Its `completed` does not settle while they do, and it warns the first time that
 * `request.signal` is used on a request which it then answers. So only requests with slow handlers use the signal.
 */
const running = new Rounds<Watch>((watch) => watch.hearOfAbort());

/**
 * Finishes an admission when the answer has been read to its end, or has failed, or when the client has left, or when the
 * answer turns out to have been dropped.
 */
export class Watch implements WatchedBody {
  readonly #request: Request;
  readonly #admission: Admission;
  readonly #endIsTold: boolean;
  #status: number | undefined;
  #isBegun = false;
  #bytes = 0;

  /**
   * Watches from now on.
   *
   * @param request The request.
   * @param admission The admission of the request.
   * @param completed Settled by the runtime when the request is over, whatever became of the answer: `Deno.serve` has it.
   */
  constructor(request: Request, admission: Admission, completed?: PromiseLike<unknown>) {
    this.#request = request;
    this.#admission = admission;
    this.#endIsTold = completed !== undefined;
    if (completed === undefined) {
      this.hearOfAbort();
      return;
    }
    const over = () => {
      running.delete(this);
      this.#left();
    };
    completed.then(over, over);
    running.add(this);
  }

  /** Finishes when the signal of the request is aborted, or at once if it has been. */
  hearOfAbort(): void {
    const { signal } = this.#request;
    if (signal?.aborted) this.#left();
    else signal?.addEventListener("abort", () => this.#left(), { once: true }); // it ends with the request
  }

  /** The same answer, watched. One without a body has ended. */
  answer(response: Response): Response {
    running.delete(this);
    const { status, statusText, headers, body } = response;
    if (body === null || this.#request.method === "HEAD") {
      void this.#admission.finish({ status, bytes: 0 });
      return response;
    }
    this.#status = status;
    const watched = this.#watched(body, status);
    watchUnread(this, watched, this.#endIsTold);
    return new Response(watched, { status, statusText, headers });
  }

  /** The body is not read. The handler has answered all the same, so the status decides what the request costs. */
  dropped(): void {
    void this.#admission.finish({ status: this.#status, ...(this.#isBegun ? { bytes: this.#bytes } : {}) });
  }

  #watched(body: ReadableStream<Uint8Array>, status: number): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        this.#begin();
        try {
          const part = await reader.read();
          if (part.done) {
            void this.#admission.finish({ status, bytes: this.#bytes });
            return controller.close();
          }
          this.#bytes += part.value.byteLength;
          controller.enqueue(part.value);
        } catch (error) {
          void this.#admission.finish({ bytes: this.#bytes, error });
          controller.error(error);
        }
      },
      cancel: (reason) => {
        this.#left();
        return reader.cancel(reason);
      },
    }, { highWaterMark: 0 });
  }

  #begin(): void {
    if (this.#isBegun) return;
    this.#isBegun = true;
    begunToRead(this);
  }

  /** The request is over. Where a layer around the guard has sent another answer, the client has not left this one. */
  #left(): void {
    if (this.#status !== undefined && !this.#isBegun) {
      begunToRead(this);
      return this.dropped();
    }
    void this.#admission.finish({ bytes: this.#bytes, aborted: true });
  }
}

/**
 * The application's answer with the headers of the admission, which is finished with its body.
 *
 * @param response The answer.
 * @param admission The admission of the request.
 * @param headers Those of its headers that the answer does not have yet.
 * @param watch Watches it, if it is open.
 */
export function answerWith(
  response: Response,
  admission: Admission,
  headers: readonly HeaderPair[],
  watch: Watch | undefined,
): Response {
  const { status } = response;
  if (status < 200) { // no answer of its own: an error, or the start of another protocol
    void admission.finish({ status });
    return response;
  }
  const told = withHeaders(response, headers);
  return watch === undefined ? told : watch.answer(told);
}

/**
 * The answer with headers, on a copy where the application may send the same object to others: one client must
 * not see the headers of another one.
 */
function withHeaders(response: Response, pairs: readonly HeaderPair[]): Response {
  const [first] = pairs;
  if (first === undefined) return response;
  if (!mayBeSentAgain(response, first[0])) {
    try {
      setHeaders(pairs, response.headers);
      return response;
    } catch {
      // The headers of an answer of fetch() cannot be changed.
    }
  }
  const copy = new Response(response.body, response);
  setHeaders(pairs, copy.headers);
  return copy;
}

/** Statuses whose answers have no body. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 301, 302, 303, 304, 307, 308]);

/**
 * Whether an application could send the same object each time, because it has no body that is used up. A body is asked for
 * only where nothing else tells: runtimes answer texts faster whose `body` has not been touched.
 */
function mayBeSentAgain(response: Response, header: string): boolean {
  const { status, headers } = response;
  return BODILESS.has(status) || headers.has(header) || (!headers.has("content-type") && response.body === null);
}
