/**
 * The connection to a Redis Cluster: a pool for each primary, a map of the slots, and redirections. Only what a node says
 * it has not run is sent again.
 *
 * @module
 */

import { systemClock, type Timer } from "../../../../base/clock.ts";
import { startTimer, withTimeout } from "../../../../base/deadline.ts";
import { ClosedError, StoreError } from "../../../../base/errors.ts";
import { groupBy } from "../../../../base/group_by.ts";
import { hashSlot } from "../../hash_slot.ts";
import { type CommandClient, openClient } from "../single/client.ts";
import { isForbidden, readRedirect, type Redirect } from "./layout.ts";
import { type ClusterDriver, uncovered, unreachable } from "./discovery.ts";
import { ClusterMap } from "./map.ts";
import { type ClusterNode, ClusterNodes, type ClusterSettings } from "./nodes.ts";
import { ClusterSubscriber } from "./subscriber.ts";
import type { ClusterNodeView, RedisConnection, ScriptReply } from "../connection.ts";
import { deleteByPrefix } from "../delete_by_prefix.ts";
import { scanKeys } from "../scan.ts";
import { callTimeoutError, sameError, unsettled } from "../errors.ts";
import { runScript, type SentScripts } from "../run_script.ts";
import { Opening } from "../single/opening.ts";
import { Subscriber } from "../single/subscriber.ts";
import type { Script } from "../../script.ts";

type Send<T> = (redis: CommandClient, asking: boolean) => Promise<T>;

/** How long a look at the nodes waits for a map of the slots. */
const MAX_LOOK_MS = 500;
const FIRST_PAUSE_MS = 10;
const MAX_PAUSE_MS = 200;
/** Redirections that are followed without a pause: nodes may disagree for a while. */
const AT_ONCE = 3;
/** How long a failed first attempt speaks for those who ask next. */
const COOL_DOWN_MS = 100;

/**
 * Makes a connection to a cluster. Nothing is opened before `connect()` or the first command.
 *
 * @param settings Where it is.
 * @param onError Called with what goes wrong in the background.
 */
export function openCluster(settings: ClusterSettings, onError: (error: StoreError) => void): RedisConnection {
  const seeds = Promise.resolve(settings.topology.seeds);
  const driver: ClusterDriver = { seeds: () => seeds, opener: () => openClient, listener: () => openClient };
  return { url: settings.endpoint.label, ...clusterOver(driver, settings, onError) };
}

/**
 * The connection that a driver's nodes make up.
 *
 * @param driver Opens clients to nodes.
 * @param settings How long things may take, and where nodes are.
 * @param onError Called with what goes wrong in the background.
 */
export function clusterOver(
  driver: ClusterDriver,
  settings: ClusterSettings,
  onError: (error: StoreError) => void,
): RedisConnection {
  const cluster = new Cluster(driver, settings, onError);
  return {
    cluster: {
      nodeOf: (slot) => cluster.ownerOf(slot),
      nodes: () => cluster.views(),
      runAt: (slot, script, keys, args) => cluster.runAt(slot, script, keys, args),
    },
    run: (script, keys, args) => cluster.run(script, keys, args),
    subscribe: (...subscription) => cluster.subscribe(...subscription),
    keys: (pattern) => cluster.keys(pattern),
    deleteByPrefix: (prefix) => cluster.deleteByPrefix(prefix),
    connect: () => cluster.connect(),
    prepare: () => cluster.prepare(),
    close: () => cluster.close(),
  };
}

class Cluster {
  readonly #settings: ClusterSettings;
  readonly #nodes: ClusterNodes;
  readonly #subscriber: ClusterSubscriber<ClusterNode>;
  readonly #sent: SentScripts = new WeakMap();
  readonly #end = new AbortController();
  readonly #map: ClusterMap;
  #connecting: Opening | undefined;
  #isConnected = false;
  #failure: StoreError | undefined;
  #coolDown: Timer | undefined;
  #closing: Promise<void> | undefined;

  constructor(driver: ClusterDriver, settings: ClusterSettings, onError: (error: StoreError) => void) {
    this.#settings = settings;
    this.#nodes = new ClusterNodes(settings, driver, (error) => {
      onError(error);
      this.#refreshSoon();
    });
    this.#map = new ClusterMap({
      driver,
      settings,
      nodes: this.#nodes,
      signal: this.#end.signal,
      onChange: () => this.#subscriber.sync(),
    });
    this.#subscriber = new ClusterSubscriber(
      () => this.#nodes.primaries(),
      (node) => {
        const subscriber = new Subscriber(node.settings, onError, driver.listener(node.address));
        subscriber.compareWith(node.pool);
        return subscriber;
      },
    );
  }

  connect(): Promise<void> {
    if (this.#end.signal.aborted) return Promise.reject(closedError());
    if (this.#isConnected) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(sameError(this.#failure));
    return (this.#connecting ?? this.#open(false)).awaited();
  }

  /** Connects before a call waits for it. */
  prepare(): void {
    if (this.#isConnected || this.#connecting !== undefined || this.#end.signal.aborted) return;
    this.#open(true).done.catch(() => {}); // the first call reports it
  }

  #open(isBackground: boolean): Opening {
    const done = this.#connect(isBackground).finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting = new Opening(done, isBackground);
  }

  ownerOf(slot: number): ClusterNode | undefined {
    return this.#nodes.owners[slot];
  }

  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<ScriptReply> {
    return this.#call(hashSlot(keys[0] ?? ""), (redis, asking) => {
      return runScript(redis, this.#sent, script, keys, args, asking);
    });
  }

  async runAt(
    slot: number,
    script: Script,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<ScriptReply | undefined> {
    const node = this.#nodes.owners[slot];
    if (node === undefined || !this.#isConnected || this.#end.signal.aborted) return undefined;
    try {
      return await node.pool.call((redis) => runScript(redis, this.#sent, script, keys, args));
    } catch (error) {
      if (this.#redirectOf(error, node) === undefined && !isForbidden(error)) throw error;
      return undefined; // a request by slot is sent to the node that has it now
    }
  }

  async subscribe(...subscription: Parameters<Subscriber["subscribe"]>): Promise<void> {
    await this.connect();
    await this.#subscriber.subscribe(...subscription);
  }

  async *keys(pattern: string): AsyncGenerator<readonly string[], void, void> {
    await this.connect();
    for (const node of [...this.#nodes.primaries()]) {
      yield* scanKeys((command) => node.pool.call((redis) => redis.sendCommand(command)), pattern);
    }
  }

  async deleteByPrefix(prefix: string): Promise<number> {
    await this.connect();
    const counts = await Promise.all([...this.#nodes.primaries()].map((node) =>
      deleteByPrefix(prefix, {
        scan: (command) => node.pool.call((redis) => redis.sendCommand(command)),
        unlink: async (keys) => {
          const bySlot = groupBy(keys, hashSlot);
          const unlinked = await Promise.all([...bySlot].map(([slot, together]) =>
            this.#call(slot, (redis, asking) => {
              if (asking) redis.sendCommand(["ASKING"]).catch(() => {});
              return redis.sendCommand<number>(["UNLINK", ...together]);
            })
          ));
          return unlinked.reduce((sum, count) => sum + count, 0);
        },
      })
    ));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async views(): Promise<ClusterNodeView[]> {
    await this.connect();
    // A node that hangs does not report that another one has taken over, until a command's time is over.
    if (this.#map.isOld) await Promise.race([this.#map.refresh(), lapse(MAX_LOOK_MS)]);
    return [...this.#nodes.primaries()].map((node) => ({
      url: node.settings.endpoint.label,
      has: (slot) => this.#nodes.owners[slot] === node,
      run: (script, keys, args) => node.pool.call((redis) => runScript(redis, this.#sent, script, keys, args)),
    }));
  }

  close(): Promise<void> {
    return this.#closing ??= this.#shutDown();
  }

  async #shutDown(): Promise<void> {
    this.#coolDown?.cancel();
    this.#map.close();
    this.#end.abort(closedError());
    await Promise.all([this.#subscriber.close(), this.#nodes.close()]);
  }

  /** Calls for one slot arrive in their order, except while it moves from node to node. */
  #call<T>(slot: number, send: Send<T>): Promise<T> {
    if (this.#end.signal.aborted) return Promise.reject(closedError());
    if (!this.#isConnected) return this.connect().then(() => this.#call(slot, send));
    const node = this.#nodes.owners[slot];
    if (node === undefined) return this.#follow(slot, send, undefined, uncovered(slot, this.#settings.endpoint));
    return node.pool.call((redis) => send(redis, false)).catch((error) => this.#follow(slot, send, node, error));
  }

  /** Goes where a node has sent a call that it has not run, until the time of a command is over. */
  async #follow<T>(slot: number, send: Send<T>, at: ClusterNode | undefined, reason: unknown): Promise<T> {
    const { socketTimeoutMs, endpoint } = this.#settings;
    const deadlineUs = systemClock.nowUs() + socketTimeoutMs * 1_000;
    let node = at;
    let error = reason;
    for (let round = 1;; round++) {
      const redirect = this.#redirectOf(error, node);
      if (redirect === undefined || this.#end.signal.aborted) throw error;
      let next = redirect.kind === "later" ? undefined : this.#nodes.at(redirect.address);
      if (redirect.kind === "moved") this.#nodes.owners[redirect.slot] = next;
      if (redirect.kind !== "ask") this.#refreshSoon();
      if (redirect.kind === "later" || round > AT_ONCE) await pause(round);
      next ??= this.#nodes.owners[slot];
      const leftMs = (deadlineUs - systemClock.nowUs()) / 1_000;
      if (leftMs <= 0 || this.#end.signal.aborted) throw unsettled(error);
      node = next;
      if (next === undefined) continue;
      try {
        const sent = next.pool.call((redis) => send(redis, redirect.kind === "ask"));
        return await withTimeout(sent, leftMs, () => callTimeoutError(endpoint, socketTimeoutMs));
      } catch (cause) {
        error = cause;
      }
    }
  }

  #redirectOf(error: unknown, node: ClusterNode | undefined): Redirect | undefined {
    // Its pool was closed because it has no slots any more, or no node has the slot: nothing was sent.
    if (error instanceof ClosedError || node === undefined) return { kind: "later" };
    return readRedirect(error, node.settings.endpoint.host);
  }

  #refreshSoon(): void {
    if (this.#isConnected) this.#map.refreshSoon();
  }

  async #connect(isBackground: boolean): Promise<void> {
    try {
      await this.#map.readFirst(isBackground);
      const primaries = [...this.#nodes.primaries()];
      const results = await Promise.allSettled(
        primaries.map(({ pool }) => isBackground ? pool.prepare() : pool.connect()),
      );
      this.#end.signal.throwIfAborted();
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined && !primaries.some(({ pool }) => pool.isUp)) {
        throw unreachable(failed.reason, this.#settings);
      }
      this.#isConnected = true;
      if (primaries.length === 0 || failed !== undefined) this.#map.refreshLater();
    } catch (error) {
      if (error instanceof StoreError) {
        this.#failure = error;
        this.#coolDown = startTimer(COOL_DOWN_MS, () => {
          this.#failure = undefined;
        });
      }
      throw error;
    }
  }
}

function pause(round: number): Promise<void> {
  return lapse(Math.min(FIRST_PAUSE_MS * 2 ** Math.min(round - 1, 10), MAX_PAUSE_MS));
}

function lapse(ms: number): Promise<void> {
  return new Promise((resolve) => void startTimer(ms, resolve));
}

function closedError(): ClosedError {
  return new ClosedError("redis connection");
}
