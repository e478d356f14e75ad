/**
 * The argument of `readLimit`: an answer whose body is copied only where it is read.
 *
 * @module
 */

import type { Clock, Timer } from "../../base/clock.ts";
import { asNodeBody } from "./node_body.ts";

/** The longest body that is read, in bytes. */
const MAX_BYTES = 1_048_576;

/** How long a body may take, in milliseconds. */
const MAX_READ_MS = 5_000;

/**
 * An answer, as `readLimit` sees it. The status and the headers cost nothing. `text()` and `json()` copy the body: the
 * caller gets the answer once the body has come, and can still read all of it.
 */
export class LimitResponse {
  readonly #answer: Response;
  readonly #url: string;
  readonly #clock: Clock;
  #text: Promise<string> | undefined;

  /**
   * Wraps an answer. Its body stays whole for the caller.
   *
   * @param answer The response, before its body is read.
   * @param url Where the request went.
   * @param clock Bounds how long the body may take.
   */
  constructor(answer: Response, url: string, clock: Clock) {
    this.#answer = answer;
    this.#url = url;
    this.#clock = clock;
  }

  /** The status of the answer. */
  get status(): number {
    return this.#answer.status;
  }

  /** The reason phrase; empty with HTTP/2. */
  get statusText(): string {
    return this.#answer.statusText;
  }

  /** Whether the status is 200 to 299. */
  get ok(): boolean {
    return this.#answer.ok;
  }

  /** The headers of the answer. */
  get headers(): Headers {
    return this.#answer.headers;
  }

  /** Where the answer came from, after redirections; where the request went, if `fetch` does not say so. */
  get url(): string {
    return this.#answer.url || this.#url;
  }

  /**
   * Reads the body as text. Several calls read it once.
   *
   * @throws {RangeError} If it has more than 1 MiB, or takes more than 5 s.
   */
  text(): Promise<string> {
    return this.#text ??= readText(this.#answer, this.#clock);
  }

  /**
   * Reads the body as JSON.
   *
   * @throws {RangeError} If it has more than 1 MiB, or takes more than 5 s.
   * @throws {SyntaxError} If it is no JSON. The message does not repeat the body.
   */
  // deno-lint-ignore no-explicit-any -- as Response.json() does, so that a caller writes no casts
  async json(): Promise<any> {
    const text = await this.text();
    try {
      return JSON.parse(text);
    } catch {
      throw new SyntaxError(`Cannot read the body of an answer with status ${this.status}: it is no JSON`);
    }
  }

  /** Returns the same object, for code that is written for a `Response`: its body can be read several times. */
  clone(): LimitResponse {
    return this;
  }
}

/** Reads a body of either kind, piece by piece. */
function readerOf(
  body: Response["body"],
): Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel"> | undefined {
  const nodeBody = asNodeBody(body);
  if (nodeBody === undefined) return body?.getReader();
  const pieces = nodeBody[Symbol.asyncIterator]();
  return {
    read: async () => {
      const { done, value } = await pieces.next();
      return done ? { done, value: undefined } : { done: false, value };
    },
    cancel: () => Promise.resolve(void nodeBody.destroy()),
  };
}

async function readText(answer: Response, clock: Clock): Promise<string> {
  const length = Number(answer.headers.get("content-length") ?? 0);
  if (length > MAX_BYTES) throw new RangeError(`Cannot read a body of ${length} bytes: more than ${MAX_BYTES}`);
  const reader = readerOf(answer.clone().body);
  if (reader === undefined) return "";
  let late = false;
  const timer: Timer = clock.schedule(clock.nowUs() + MAX_READ_MS * 1_000, () => {
    late = true;
    reader.cancel().catch(() => {});
  }, { background: true });
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (late) throw new RangeError(`Cannot read a body that takes more than ${MAX_READ_MS} ms`);
      if (done) return text + decoder.decode();
      bytes += value.byteLength;
      if (bytes > MAX_BYTES) throw new RangeError(`Cannot read a body of more than ${MAX_BYTES} bytes`);
      text += decoder.decode(value, { stream: true });
    }
  } finally {
    timer.cancel();
    // The other half of the copy goes on; this one resolves when that has ended, too.
    reader.cancel().catch(() => {});
  }
}
