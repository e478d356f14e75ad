/**
 * What adapters share whose answers are `Response`s: headers that can be set on each, and when its body has been sent.
 *
 * @module
 */

import type { Admission } from "./admission.ts";
import { setHeaders } from "./headers.ts";

/** Finishes an admission when the answer has been read to its end, or has failed, or when the client has left. */
export class Watch {
  readonly #request: Request;
  readonly #admission: Admission;
  #bytes = 0;

  /**
   * Watches from now on.
   *
   * @param request The request.
   * @param admission What it was let in with.
   */
  constructor(request: Request, admission: Admission) {
    this.#request = request;
    this.#admission = admission;
    const left = () => this.#left();
    if (request.signal?.aborted) left();
    else request.signal?.addEventListener("abort", left, { once: true }); // it ends with the request
  }

  /** The same answer, watched. One without a body has ended. */
  answer(response: Response): Response {
    const { status, statusText, headers, body } = response;
    if (body !== null && this.#request.method !== "HEAD") {
      return new Response(this.#watched(body, status), { status, statusText, headers });
    }
    void this.#admission.finish({ status, bytes: 0 });
    return response;
  }

  #watched(body: ReadableStream<Uint8Array>, status: number): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
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

  #left(): void {
    void this.#admission.finish({ bytes: this.#bytes, aborted: true });
  }
}

/**
 * The application's answer with the headers of the admission, which is finished with its body.
 *
 * @param response The answer.
 * @param admission What the request was let in with.
 * @param watch Watches it, if it is open.
 */
export function answerWith(response: Response, admission: Admission, watch: Watch | undefined): Response {
  const { status } = response;
  if (status < 200) { // no answer of its own: an error, or the start of another protocol
    void admission.finish({ status });
    return response;
  }
  const told = withHeaders(response, admission);
  return watch === undefined ? told : watch.answer(told);
}

/** The answer with the headers of the admission. */
function withHeaders(response: Response, admission: Admission): Response {
  if (admission.headers.length === 0) return response;
  try {
    setHeaders(admission.headers, response.headers);
    return response;
  } catch {
    const copy = new Response(response.body, response); // headers of a redirect, or of fetch(), cannot be changed
    setHeaders(admission.headers, copy.headers);
    return copy;
  }
}
