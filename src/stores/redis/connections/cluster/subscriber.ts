/**
 * Subscriptions at every primary of a cluster: a script sees only who listens at the node that it runs on.
 *
 * @module
 */

import { startTimer } from "../../../../base/deadline.ts";
import type { Timer } from "../../../../base/clock.ts";
import type { Subscriber } from "../single/subscriber.ts";

/** How many messages are remembered, to tell the copies that come from other nodes. */
const MAX_REMEMBERED = 1_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 1_000;

interface Subscription {
  readonly channel: string;
  readonly listener: (message: string) => void;
  readonly onReconnect: () => void;
  readonly isAwaited: (() => boolean) | undefined;
}

interface Listening {
  readonly subscriber: Subscriber;
  readonly done: Set<Subscription>;
  failures: number;
  timer: Timer | undefined;
}

/** The subscriptions of a store in a cluster. Nodes are whatever tells one from another. */
export class ClusterSubscriber<Node> {
  readonly #nodes: () => Iterable<Node>;
  readonly #open: (node: Node) => Subscriber;
  readonly #subscriptions = new Set<Subscription>();
  readonly #listening = new Map<Node, Listening>();
  #isClosed = false;

  /**
   * @param nodes The primaries at present.
   * @param open Makes the subscriber for one of them. Nothing is connected before the first subscription.
   */
  constructor(nodes: () => Iterable<Node>, open: (node: Node) => Subscriber) {
    this.#nodes = nodes;
    this.#open = open;
  }

  /** Whether there is a subscription. */
  get isUsed(): boolean {
    return this.#subscriptions.size > 0;
  }

  /**
   * Listens on a channel. Resolves when every primary has confirmed it or could not be reached; those are tried again.
   *
   * @param channel The channel.
   * @param listener Called with every message, once.
   * @param onReconnect Called whenever messages of a node may have been missed.
   * @param isAwaited Whether a call waits for a message.
   * @throws {StoreError} If no primary has confirmed it.
   */
  async subscribe(
    channel: string,
    listener: (message: string) => void,
    onReconnect: () => void,
    isAwaited?: () => boolean,
  ): Promise<void> {
    const subscription: Subscription = { channel, listener: onlyOnce(listener), onReconnect, isAwaited };
    this.#subscriptions.add(subscription);
    const nodes = [...this.#nodes()];
    const results = await Promise.allSettled(nodes.map((node) => this.#listen(node, subscription)));
    const failed = results.find((result) => result.status === "rejected");
    if (failed === undefined) return this.sync();
    if (results.every((result) => result.status === "rejected")) {
      this.#subscriptions.delete(subscription);
      throw failed.reason;
    }
    this.sync();
  }

  /** The nodes have changed: listens at new ones, and at those that could not be reached. Leaves those that are gone. */
  sync(): void {
    if (this.#isClosed || !this.isUsed) return;
    const nodes = new Set(this.#nodes());
    for (const [node, { subscriber, timer }] of this.#listening) {
      if (nodes.has(node)) continue;
      timer?.cancel();
      this.#listening.delete(node);
      void subscriber.close();
    }
    for (const node of nodes) {
      const listening = this.#at(node);
      const missing = [...this.#subscriptions].filter((subscription) => !listening.done.has(subscription));
      if (missing.length > 0 && listening.timer === undefined) void this.#catchUp(node, listening, missing);
    }
  }

  /** Ends all subscriptions and disconnects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#subscriptions.clear();
    for (const { timer } of this.#listening.values()) timer?.cancel();
    await Promise.all([...this.#listening.values()].map(({ subscriber }) => subscriber.close()));
  }

  #at(node: Node): Listening {
    let listening = this.#listening.get(node);
    if (listening === undefined) {
      listening = { subscriber: this.#open(node), done: new Set(), failures: 0, timer: undefined };
      this.#listening.set(node, listening);
    }
    return listening;
  }

  async #listen(node: Node, subscription: Subscription): Promise<void> {
    const listening = this.#at(node);
    const { channel, listener, onReconnect, isAwaited } = subscription;
    await listening.subscriber.subscribe(channel, listener, onReconnect, isAwaited);
    listening.done.add(subscription);
    listening.failures = 0;
  }

  async #catchUp(node: Node, listening: Listening, missing: readonly Subscription[]): Promise<void> {
    listening.timer = startTimer(0, () => {}); // no other one begins meanwhile
    for (const subscription of missing) {
      try {
        await this.#listen(node, subscription);
        if (this.#subscriptions.has(subscription)) subscription.onReconnect();
      } catch {
        listening.failures++; // told by the connection for commands, which meets the same
      }
    }
    if (this.#listening.get(node) !== listening || this.#isClosed) return;
    const waitMs = listening.failures === 0 ? 0 : Math.min(FIRST_RETRY_MS * 2 ** listening.failures, MAX_RETRY_MS);
    listening.timer = startTimer(waitMs, () => {
      listening.timer = undefined;
      this.sync();
    });
  }
}

/** Every node that we listen at sends a copy of each message; the text holds the instant and the id. */
function onlyOnce(listener: (message: string) => void): (message: string) => void {
  const seen = new Set<string>();
  return (message) => {
    if (seen.has(message)) return;
    seen.add(message);
    if (seen.size > MAX_REMEMBERED) seen.delete(seen.values().next().value as string);
    listener(message);
  };
}
