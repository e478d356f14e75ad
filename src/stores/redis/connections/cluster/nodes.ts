/**
 * The nodes of a cluster that are known, and which of them has which slot.
 *
 * @module
 */

import { systemClock } from "../../../../base/clock.ts";
import type { StoreError } from "../../../../base/errors.ts";
import { SLOTS } from "../../hash_slot.ts";
import type { ClusterDriver } from "./discovery.ts";
import { type SlotRange, splitAddress } from "./layout.ts";
import { Pool } from "../single/pool.ts";
import type { ConnectionSettings } from "../settings/settings.ts";

/** How long a node without slots is kept after a redirection has led to it. */
const KEPT_US = 5_000_000;

/** What is used of the settings of a store in a cluster. */
export interface ClusterSettings extends ConnectionSettings {
  /** Some of the nodes. */
  readonly topology: Extract<ConnectionSettings["topology"], { kind: "cluster" }>;
}

/** One node. */
export interface ClusterNode {
  readonly address: string;
  readonly settings: ConnectionSettings;
  readonly pool: Pool;
  /** When a redirection led here, in microseconds. */
  usedUs: number;
}

/** All that are known. */
export class ClusterNodes {
  /** The primary of each slot, as far as it is known. */
  owners: (ClusterNode | undefined)[] = [];
  readonly #nodes = new Map<string, ClusterNode>();
  readonly #settings: ClusterSettings;
  readonly #driver: ClusterDriver;
  readonly #onError: (error: StoreError) => void;

  /**
   * Makes it, with none.
   *
   * @param settings How to reach them.
   * @param driver Opens clients to nodes.
   * @param onError Called with what goes wrong in the background.
   */
  constructor(settings: ClusterSettings, driver: ClusterDriver, onError: (error: StoreError) => void) {
    this.#settings = settings;
    this.#driver = driver;
    this.#onError = onError;
  }

  /** How many are known. */
  get count(): number {
    return this.#nodes.size;
  }

  /** Those that are known. */
  all(): Iterable<ClusterNode> {
    return this.#nodes.values();
  }

  /** Those that have slots. */
  primaries(): Set<ClusterNode> {
    const nodes = new Set<ClusterNode>();
    for (let slot = 0; slot < this.owners.length; slot++) {
      const node = this.owners[slot];
      if (node !== undefined) nodes.add(node);
    }
    return nodes;
  }

  /** The node at an address, known from now on. */
  at(address: string): ClusterNode {
    const known = this.#nodes.get(address);
    if (known !== undefined) {
      known.usedUs = systemClock.nowUs();
      return known;
    }
    const [host, port] = splitAddress(this.#settings.topology.addresses[address] ?? address);
    const { endpoint } = this.#settings;
    const place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const label = `${endpoint.tls ? "rediss" : "redis"}://${place}`;
    const settings: ConnectionSettings = { ...this.#settings, endpoint: { ...endpoint, host, port, label } };
    const pool = new Pool(settings, this.#onError, this.#driver.opener(address));
    const node: ClusterNode = { address, settings, pool, usedUs: systemClock.nowUs() };
    this.#nodes.set(address, node);
    return node;
  }

  /**
   * Takes over what a node has told. Nodes that have lost their slots are left when what was sent to them is answered.
   *
   * @param ranges Who has which slots.
   * @param connect Whether to connect to those that have some.
   */
  apply(ranges: readonly SlotRange[], connect: boolean): void {
    const owners = new Array<ClusterNode | undefined>(SLOTS).fill(undefined);
    for (const { from, to, address } of ranges) owners.fill(this.at(address), from, to + 1);
    this.owners = owners;
    const primaries = this.primaries();
    const nowUs = systemClock.nowUs();
    for (const node of this.#nodes.values()) {
      if (primaries.has(node)) {
        if (connect) node.pool.connect().catch(() => {}); // told to onError, and tried again
      } else if (nowUs - node.usedUs > KEPT_US) {
        this.#nodes.delete(node.address);
        void node.pool.close();
      }
    }
  }

  /** Closes the connections to all. */
  async close(): Promise<void> {
    await Promise.all([...this.all()].map(({ pool }) => pool.close()));
  }
}
