/**
 * What a guard reads of a request, whatever framework it comes from.
 *
 * @module
 */

import { readRequestBody } from "./body.ts";
import { type ClientAddressOptions, findAddress } from "./client_address.ts";
import { type HeaderSource, readHeader } from "./header_source.ts";

/** A request, reduced to what a guard reads. A `Request` is one. */
export interface RequestFacts<Raw = unknown> {
  /** `GET`, `POST` ... */
  readonly method: string;
  /** The URL, or the path with its query. */
  readonly url: string;
  /** The headers. */
  readonly headers: HeaderSource;
  /** The address at the other end of the socket, if the runtime reports it. */
  readonly peer?: string | undefined;
  /** Aborted when the client has left: a request that waits is then withdrawn. */
  readonly signal?: AbortSignal | null | undefined;
  /**
   * Reads the body for key functions, without taking it from the handler: called with `raw`, and with how many bytes
   * there may be. @default a `Request` is copied; nothing else is read
   */
  readBody?(raw: Raw, maxBytes: number): unknown;
  /** The request of the framework: functions among the options see it as `request.raw`. @default the facts */
  readonly raw?: Raw | undefined;
}

/** A request as the functions among a guard's options see it. */
export class GuardedRequest<Raw = unknown> {
  readonly #facts: RequestFacts<Raw>;
  readonly #how: ClientAddressOptions;
  /** `null` until it is read. */
  #address: string | undefined | null = null;

  /**
   * For adapters: the guard wraps each request of the framework in one of these.
   *
   * @param facts The request.
   * @param how How the client's address is found.
   */
  constructor(facts: RequestFacts<Raw>, how: ClientAddressOptions) {
    this.#facts = facts;
    this.#how = how;
  }

  /** `GET`, `POST` ... */
  get method(): string {
    return this.#facts.method;
  }

  /** The URL, or the path with its query, as the framework gave it. */
  get url(): string {
    return this.#facts.url;
  }

  /** The path alone, from its slash on: neither host nor query. */
  get path(): string {
    const start = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(this.url)?.[0].length ?? 0;
    const path = this.url.slice(start).replace(/[?#].*$/s, "");
    return path === "" ? "/" : path;
  }

  /** Reads a header, several of one name joined by commas; `undefined` where it is absent. May be destructured. */
  get header(): (name: string) => string | undefined {
    const { headers } = this.#facts;
    return (name) => readHeader(headers, name);
  }

  /** The framework's own request or context. */
  get raw(): Raw {
    return (this.#facts.raw ?? this.#facts) as Raw;
  }

  /** The address at the other end of the socket, as the runtime reports it: that of a proxy, where there is one. */
  get peer(): string | undefined {
    return this.#facts.peer;
  }

  /** The client's address, in canonical form; `undefined` where it cannot be known. See `clientAddress`. */
  get address(): string | undefined {
    if (this.#address === null) this.#address = findAddress(this.#facts.headers, this.#facts.peer, this.#how);
    return this.#address;
  }

  /**
   * The body, which the handler still gets: what a parser has made of it before the guard, or its bytes. `undefined`
   * where there is none, where it is larger, or where the adapter cannot read it.
   *
   * @param maxBytes The most bytes that are read.
   */
  async readBody(maxBytes: number): Promise<unknown> {
    const facts = this.#facts;
    if (facts.readBody !== undefined) return await facts.readBody(this.raw, maxBytes);
    return "clone" in facts ? await readRequestBody(facts as Request, maxBytes) : undefined;
  }

  /** Aborted when the client has left. */
  get signal(): AbortSignal | undefined {
    return this.#facts.signal ?? undefined;
  }
}
