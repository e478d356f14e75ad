/**
 * The end of an answer.
 *
 * @module
 */

import type { Outcome } from "../settle.ts";

/**
 * The same answer, watched: calls back when its body has been read to its end, has failed or was cancelled, or when the
 * client has left. At once for an answer without a body.
 */
export function watchBody(request: Request, response: Response, done: (outcome: Outcome) => void): Response {
  const { status, body } = response;
  if (body === null || request.method === "HEAD") {
    done({ status, bytes: 0 });
    return response;
  }
  let bytes = 0;
  const left = () => end({ bytes, aborted: true });
  const end = (outcome: Outcome) => {
    request.signal?.removeEventListener("abort", left);
    done(outcome);
  };
  if (request.signal?.aborted) left();
  else request.signal?.addEventListener("abort", left, { once: true });
  const reader = body.getReader();
  const watched = new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      try {
        const part = await reader.read();
        if (part.done) {
          end({ status, bytes });
          controller.close();
        } else {
          bytes += part.value.byteLength;
          controller.enqueue(part.value);
        }
      } catch (error) {
        end({ bytes, error });
        controller.error(error);
      }
    },
    cancel(reason): Promise<void> {
      left();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  const { statusText, headers } = response;
  return new Response(watched, { status, statusText, headers });
}
