/**
 * What the Redis store needs of a Redis client. One small interface, so that any client can serve.
 *
 * @module
 */

import type { DownServers } from "../../inspection.ts";
import type { Script } from "../script.ts";

/** A value inside a script's reply. */
export type ScriptReply = number | string | null | readonly ScriptReply[];

/** One primary of a cluster. */
export interface ClusterNodeView {
  /** Where it is, without credentials. */
  readonly url: string;
  /** Whether it has a slot at present. */
  has(slot: number): boolean;
  /** Runs a script on this very node. The keys must be in its slots. */
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<ScriptReply>;
}

/** A Redis Cluster: keys lie in slots, and slots on nodes. A script may only declare keys of one slot. */
export interface ClusterView {
  /** The node that has a slot at present, as something to tell it from others; undefined if that is not known. */
  nodeOf(slot: number): object | undefined;
  /**
   * Runs a script at the node that has a slot at present, and follows no redirection: resolves to undefined where that
   * node has not run it. Absent where each call is to be about keys of one slot.
   */
  runAt?(
    slot: number,
    script: Script,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<ScriptReply | undefined>;
  /** Every primary that has slots. */
  nodes(): Promise<readonly ClusterNodeView[]>;
}

/** A user's Redis client, reduced to what the store needs. Failures reject with a `StoreError`. */
export interface RedisConnection {
  /** Where it leads, without credentials, for reports. */
  readonly url?: string | undefined;
  /**
   * Whether messages cannot be pushed to it: `subscribe` is not called then, and the store asks for its messages.
   * @default {false}
   */
  readonly polls?: boolean;
  /** Whether calls that are under way together may arrive in any order. @default {false} */
  readonly isUnordered?: boolean;
  /** What is known of the cluster; absent where one server has all keys. */
  readonly cluster?: ClusterView | undefined;
  /** Runs a script in one command; loads it where the server does not know it yet. Never sent twice otherwise. */
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<ScriptReply>;
  /**
   * Listens on a channel; resolves when the server has confirmed the subscription.
   * `onReconnect` is called after a lost subscription was set up again: messages in between are gone.
   * While `isAwaited` says that a call waits for a message, a silent connection should be noticed within a second.
   */
  subscribe(
    channel: string,
    listener: (message: string) => void,
    onReconnect: () => void,
    isAwaited?: () => boolean,
  ): Promise<void>;
  /**
   * The names of all keys that match a pattern of `SCAN`, in bounded steps, some of them twice. Absent where keys cannot be
   * listed.
   */
  keys?(pattern: string): AsyncIterable<readonly string[]>;
  /** Deletes every key that begins with `prefix`, in bounded steps. Returns how many there were. */
  deleteByPrefix(prefix: string): Promise<number>;
  /** The Sentinels that do not answer, or do not know the primary. Absent where none watch over it. */
  silentSentinels?(): Promise<DownServers | undefined>;
  /** Whether there is a connection to send through; absent where there is no such thing. */
  isUp?(): boolean;
  /** Connects now instead of at the first command, and rejects with what is wrong if it cannot. */
  connect(): Promise<void>;
  /** Begins to connect, without keeping the process alive while no call waits for it. The first call reports failures. */
  prepare?(): void;
  /** Lets commands in flight finish, then disconnects what this object itself has opened. */
  close(): Promise<void>;
}
