/**
 * A call of fetch: what it asks for, and whether it can be sent again.
 *
 * @module
 */

/** What fetch takes first. */
export type FetchInput = string | URL | Request;

/** A function with the signature of `fetch`. */
export type Fetch = (input: FetchInput, init?: RequestInit) => Promise<Response>;

/** What is needed of an answer whose type is that of another package. */
export interface ForeignAnswer {
  /** The status. */
  readonly status: number;
  /** The headers. */
  readonly headers: { get(name: string): string | null };
}

/** A `fetch` of another package, such as undici or node-fetch, whose requests and answers have types of their own. */
export type ForeignFetch = (input: never, init?: never) => Promise<ForeignAnswer>;

/** Methods that mean the same when they arrive twice (RFC 9110, 9.2.2). */
export const IDEMPOTENT: readonly string[] = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"];

/** What `key` and `cost` can look at. */
export interface OutboundRequest {
  /** Where the request goes. */
  readonly url: URL;
  /** Its method, in capital letters. */
  readonly method: string;
  /** Its headers. */
  readonly headers: Headers;
}

/** One call of a limited fetch. */
export class OutboundCall implements OutboundRequest {
  readonly #input: FetchInput;
  readonly #init: RequestInit | undefined;
  #headers: Headers | undefined;

  /**
   * @param input What fetch was given first.
   * @param init What it was given second.
   */
  constructor(input: FetchInput, init: RequestInit | undefined) {
    this.#input = input;
    this.#init = init;
  }

  /**
   * Where the request goes.
   *
   * @throws {TypeError} If that is no URL, as fetch does.
   */
  get url(): URL {
    return new URL(this.target);
  }

  /** Where the request goes, as it was given. */
  get target(): string {
    return this.#request?.url ?? String(this.#input);
  }

  /** Its method, in capital letters. */
  get method(): string {
    return String(this.#init?.method ?? this.#request?.method ?? "GET").toUpperCase();
  }

  /** Its headers. */
  get headers(): Headers {
    return this.#headers ??= new Headers(this.#init?.headers ?? this.#request?.headers);
  }

  /** Gives up. */
  get signal(): AbortSignal | undefined {
    const { signal } = this.#init ?? {};
    return (signal === undefined ? this.#request?.signal : signal) ?? undefined;
  }

  /** Whether it does no more when it arrives twice: by its method, or because it says so. */
  isRepeatable(methods: readonly string[]): boolean {
    return methods.includes(this.method) || this.headers.has("idempotency-key");
  }

  /** Whether its body is still there after it was sent. */
  get canBeSentAgain(): boolean {
    const { body } = this.#init ?? {};
    if (body === undefined || body === null) return !this.#request?.body;
    return typeof body === "string" || body instanceof URLSearchParams || body instanceof FormData ||
      body instanceof Blob || body instanceof ArrayBuffer || ArrayBuffer.isView(body);
  }

  /** Sends it. `signal` takes the place of its own. */
  send(fetch: Fetch, signal: AbortSignal | undefined): Promise<Response> {
    if (signal === this.signal) return fetch(this.#input, this.#init);
    return fetch(this.#input, { ...this.#init, signal: signal ?? null });
  }

  get #request(): Request | undefined {
    return typeof this.#input === "object" && !(this.#input instanceof URL) ? this.#input : undefined;
  }
}
