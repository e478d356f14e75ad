/**
 * The Redis clients that applications may give to a store, reduced to what the store needs of them. None of their packages
 * is imported, not even for types.
 *
 * @module
 */

/** A Redis client of a kind that a store can use. */
export type RedisClient =
  | NodeRedisLike
  | NodeRedisPoolLike
  | NodeRedisClusterLike
  | NodeRedisSentinelLike
  | IoredisLike
  | IoredisClusterLike
  | BunRedisLike
  | UpstashLike;

/** What is used of an event emitter. */
export interface Emitter {
  /** Adds a listener. */
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  /** Removes a listener. */
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** What a store needs of `createClient()` of the npm package `redis`. */
export interface NodeRedisLike extends Emitter {
  /** Whether it was connected and not closed. */
  readonly isOpen: boolean;
  /** Whether commands are sent at once. */
  readonly isReady: boolean;
  /** Connects. Only called on duplicates. */
  connect(): Promise<unknown>;
  /** Disconnects. Only called on duplicates. */
  destroy(): void;
  /** Sends one command. */
  sendCommand(args: readonly string[], options?: object): Promise<unknown>;
  /** Subscribes. Only called on duplicates. */
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  /** Makes another client with the same options. */
  duplicate(overrides?: object): NodeRedisLike;
  /** Lets its socket keep the process alive. Only called on duplicates. */
  ref?(): void;
  /** Lets the process end while its socket is open. Only called on duplicates. */
  unref?(): void;
}

/** What a store needs of `createClientPool()` of the npm package `redis`. */
export interface NodeRedisPoolLike extends Emitter {
  /** Whether it was connected and not closed. */
  readonly isOpen: boolean;
  /** How many clients it has. */
  readonly totalClients: number;
  /** Lends a client until `task` is done. */
  execute<T>(task: (client: NodeRedisLike) => T): Promise<unknown>;
}

/** A node of a cluster, as node-redis knows it. */
export interface NodeRedisClusterNode {
  /** `host:port`, as the cluster names it. */
  readonly address: string;
  /** Host name or address. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
}

/** What a store needs of `createCluster()` of the npm package `redis`. */
export interface NodeRedisClusterLike extends Emitter {
  /** Whether it was connected and not closed. */
  readonly isOpen: boolean;
  /** Which nodes have which slots. */
  readonly slots: readonly unknown[];
  /** The primaries. */
  readonly masters: readonly NodeRedisClusterNode[];
  /** The client of one node. */
  nodeClient(node: NodeRedisClusterNode): unknown;
}

/** What a store needs of `createSentinel()` of the npm package `redis`. */
export interface NodeRedisSentinelLike extends Emitter {
  /** Whether it was connected and not closed. */
  readonly isOpen: boolean;
  /** Whether commands are sent at once. */
  readonly isReady: boolean;
  /** Lends a client of the primary. Not called; it tells Sentinels from clients. */
  acquire(): Promise<unknown>;
  /** Connects. Only called on duplicates. */
  connect(): Promise<unknown>;
  /** Disconnects. Only called on duplicates. */
  destroy(): unknown;
  /** Subscribes. Only called on duplicates. */
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  /** Makes another one with the same options. */
  duplicate(overrides?: object): NodeRedisSentinelLike;
  /** Runs `task` with the client of the primary; again, where it fails with an error and the client is not ready. */
  _execute<T>(isReadonly: boolean, task: (client: NodeRedisLike) => Promise<T>): Promise<T>;
}

/** What a store needs of `new Redis()` of the npm package `ioredis`. */
export interface IoredisLike extends Emitter {
  /** `wait`, `connecting`, `connect`, `ready`, `close`, `reconnecting` or `end`. */
  readonly status: string;
  /** How it was made. */
  readonly options: object;
  /** Connects; only called where it waits for its first command, and on duplicates. */
  connect(): Promise<unknown>;
  /** Disconnects. Only called on duplicates. */
  disconnect(): void;
  /** Sends one command. */
  call(command: string, ...args: (string | number | Uint8Array)[]): Promise<unknown>;
  /** Subscribes. Only called on duplicates. */
  subscribe(...channels: string[]): Promise<unknown>;
  /** Makes another client with the same options. */
  duplicate(overrides?: object): IoredisLike;
  /** Its socket, while there is one. Only used on duplicates. */
  readonly stream?: { ref?(): unknown; unref?(): unknown } | undefined;
}

/** What a store needs of `new Cluster()` of the npm package `ioredis`. */
export interface IoredisClusterLike extends Emitter {
  /** `true`; tells it from a client. */
  readonly isCluster: boolean;
  /** `wait`, `connecting`, `connect`, `ready`, `reconnecting`, `close`, `disconnecting` or `end`. */
  readonly status: string;
  /** How it was made. */
  readonly options: object;
  /** Connects; only called where it waits for its first command. */
  connect(): Promise<unknown>;
  /** The clients of its nodes. */
  nodes(role: "master"): unknown[];
}

/** What a store needs of `new Bun.RedisClient()`. */
export interface BunRedisLike {
  /** Whether commands are sent at once. */
  readonly connected: boolean;
  /** Connects; does nothing where it is connected. */
  connect(): Promise<unknown>;
  /** Disconnects. Only called on duplicates. */
  close(): void;
  /** Sends one command. */
  send(command: string, args: string[]): Promise<unknown>;
  /** Subscribes. Only called on duplicates. */
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>;
  /** Makes another client with the same options. */
  duplicate(): Promise<BunRedisLike>;
  /** Called when it has connected. Only set on duplicates. */
  onconnect: unknown;
  /** Called when its connection has ended for good. Only set on duplicates. */
  onclose: unknown;
}

/** What a store needs of `new Redis()` of the npm package `@upstash/redis`, or of `createClient()` of `@vercel/kv`. */
export interface UpstashLike {
  /** Runs a script. */
  eval(script: string, keys: string[], args: unknown[]): Promise<unknown>;
  /** Runs a script by its digest. */
  evalsha(sha1: string, keys: string[], args: unknown[]): Promise<unknown>;
  /** Makes a script. Only other clients have none. */
  createScript(script: string): unknown;
}
