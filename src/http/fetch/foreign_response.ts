/**
 * Answers that are no `Response` of the runtime: packages such as undici and `@whatwg-node/fetch`, which graphql-yoga
 * uses, have classes of their own.
 *
 * @module
 */

/** What is read of such an answer. */
interface ForeignResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Iterable<readonly [name: string, value: string]> & { getSetCookie?(): readonly string[] };
  readonly body: { getReader(): ReadableStreamDefaultReader<Uint8Array> } | null;
}

/**
 * The answer as a `Response` of the runtime.
 *
 * @param value What a handler has returned.
 * @returns The value itself if it is one, a copy of an answer of another class, or undefined if it is no answer.
 */
export function asResponse(value: unknown): Response | undefined {
  if (value instanceof Response) return value;
  if (!isForeign(value)) return undefined;
  const { status, statusText, headers, body } = value;
  const copy = new Response(body === null ? null : streamOf(body), { status, statusText });
  for (const [name, text] of headers) if (name.toLowerCase() !== "set-cookie") copy.headers.append(name, text);
  for (const cookie of headers.getSetCookie?.() ?? []) copy.headers.append("set-cookie", cookie);
  return copy;
}

function isForeign(value: unknown): value is ForeignResponse {
  if (typeof value !== "object" || value === null) return false;
  const { status, headers, body } = value as Partial<ForeignResponse>;
  return typeof status === "number" && status >= 200 && status < 600 &&
    typeof headers?.[Symbol.iterator] === "function" &&
    (body === null || typeof body?.getReader === "function");
}

/** The bytes of a stream of another class, read when they are asked for. */
function streamOf(body: NonNullable<ForeignResponse["body"]>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
