/**
 * What is used of the messages of `node:http`.
 *
 * @module
 */

/** What is used of an `IncomingMessage`. */
export interface NodeRequest {
  /** The method. */
  readonly method?: string | undefined;
  /** The path with its query. */
  readonly url?: string | undefined;
  /** The headers, names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The connection. */
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** What is used of a `ServerResponse`. */
export interface NodeResponse {
  /** The status of the answer. */
  statusCode: number;
  /** Whether headers have been sent. */
  readonly headersSent: boolean;
  /** Whether everything has been handed to the system. */
  readonly writableFinished: boolean;
  /** Whether the connection is gone. */
  readonly destroyed: boolean;
  /** A header that is set. */
  getHeader(name: string): number | string | readonly string[] | undefined;
  /** Sets a header. */
  setHeader(name: string, value: string): unknown;
  /** Sends a part of the body. */
  write: (...args: never[]) => boolean;
  /** Sends the last part of the body. */
  end: (...args: never[]) => unknown;
  /** Calls back once. */
  once(event: "close" | "finish", listener: () => void): unknown;
}
