/**
 * What is used of a NATS client.
 *
 * @module
 */

/** The headers of a message. */
export interface NatsHeaders {
  /** The status that the server sets on messages of its own, such as 503; 0 on others. */
  readonly code: number;
  /** The text beside the status. */
  readonly description: string;
  /** The value of a header; an empty text where it is missing. */
  get(name: string): string;
}

/** A message as the client hands it over. */
export interface NatsMessage {
  /** Where it was published. */
  readonly subject: string;
  /** Its payload. */
  readonly data: Uint8Array;
  /** Where an answer should go. */
  readonly reply?: string;
  /** Its headers, if it has any. */
  readonly headers?: NatsHeaders | undefined;
}

/** A subscription that can be ended. */
export interface NatsSubscription {
  /** Ends it. */
  unsubscribe(): void;
}

/** What a server says of itself. */
export interface NatsServerInfo {
  /** Its version. */
  readonly version?: string;
  /** Its name. */
  readonly server_name?: string;
  /** The name of its cluster. */
  readonly cluster?: string;
  /** The most bytes of a message. */
  readonly max_payload?: number;
  /** Other servers of its cluster, `host:port` each. */
  readonly connect_urls?: readonly string[];
}

/** What happened to the connection of a client. */
export interface NatsStatus {
  /** `disconnect`, `reconnect`, `error` and others. */
  readonly type: string;
  /** The error, of `error`. */
  readonly error?: Error;
}

/**
 * A connection to NATS, made by `connect()` of `@nats-io/transport-node`, by `wsconnect()` of `@nats-io/nats-core`, or by
 * a package that behaves like these.
 */
export interface NatsClient {
  /** The server it is connected to. */
  readonly info?: NatsServerInfo | undefined;
  /** Sends a message. */
  publish(subject: string, payload?: Uint8Array | string, options?: NatsPublishOptions): void;
  /** Receives the messages of a subject. */
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: NatsMessage) => void },
  ): NatsSubscription;
  /** What happens to the connection. */
  status(): AsyncIterable<NatsStatus>;
  /** Resolves when it is closed for good, with the error that closed it, if there was one. */
  closed(): Promise<void | Error>;
  /** Whether it is closed for good. */
  isClosed(): boolean;
  /** Closes it. */
  close(): Promise<void>;
}

/** What a message is sent with. */
export interface NatsPublishOptions {
  /** Where an answer should go. */
  reply?: string;
  /** Its headers: an object that `headers()` of the client's package makes. */
  // deno-lint-ignore no-explicit-any -- the class is the package's own, and may come from any version of it
  headers?: any;
}
