/**
 * What all open pages get: one reading of the fleet serves them. Nothing is read or counted while no page is open.
 *
 * @module
 */

import { systemClock, type Timer } from "../base/clock.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { FleetReader } from "../fleet/fleet_reader.ts";
import { wordsOf } from "../policy/words.ts";
import type { StoreListing } from "../registry/listing.ts";
import type { RateSync } from "../registry/rate_sync.ts";
import { OwnBoards } from "./own_boards.ts";
import { addPoint, type ConfigView, type Point, pointOf, type StoreView, type View } from "./view.ts";

/** How long after one reading the next one begins. Processes report once a second, at times of their own. */
const EVERY_US = 500_000;

/** How many readings it takes until a process has reported twice to itself. */
const SETTLING = 4;

/** How long reading goes on after the last page was closed: one that is loaded again finds its plots complete. */
const LINGER_US = 10_000_000;

/** A page that is open. */
export interface Visitor {
  /** Takes the configuration. */
  config(config: ConfigView): void;
  /** Takes the present. */
  view(view: View): void;
}

/** The readers of one time in which pages are open. */
interface Reading {
  readonly fleet: FleetReader;
  readonly own: OwnBoards;
}

/** Reads for the pages that are open. */
export class Feed {
  readonly #rs: RateSync<string>;
  readonly #title: string;
  readonly #allowChanges: boolean;
  readonly #visitors = new Set<Visitor>();
  /** The last minutes. */
  readonly points: Point[] = [];
  #reading: Reading | undefined;
  #timer: Timer | undefined;
  #version = 0;
  #isLocal: ReadonlySet<string> = new Set();
  #settling = 0;
  #latest: View | undefined;
  #leftUs = 0;

  constructor(rs: RateSync<string>, title: string, allowChanges: boolean) {
    this.#rs = rs;
    this.#title = title;
    this.#allowChanges = allowChanges;
  }

  /** How many pages are open. */
  get size(): number {
    return this.#visitors.size;
  }

  /** Adds a page. Returns how to remove it. */
  join(visitor: Visitor): () => void {
    this.#visitors.add(visitor);
    visitor.config(this.#config());
    if (this.#latest !== undefined) visitor.view(this.#latest);
    if (this.#reading === undefined) {
      this.#version = this.#rs.configVersion;
      this.#reading = { fleet: new FleetReader(this.#rs), own: new OwnBoards(this.#rs) };
      void this.#read(this.#reading);
    }
    return () => {
      this.#visitors.delete(visitor);
      this.#leftUs = systemClock.nowUs();
    };
  }

  /** Ends the reading. */
  close(): void {
    this.#timer?.cancel();
    this.#reading?.own.close();
    this.#reading = this.#latest = undefined;
    this.points.length = 0;
  }

  async #read(reading: Reading): Promise<void> {
    const startUs = systemClock.nowUs();
    const fleet = await reading.fleet.read();
    const isLocal = new Set(fleet.stores.filter(({ problem }) => problem !== undefined).map(({ id }) => id));
    const own = await reading.own.read(isLocal);
    if (this.#reading !== reading) return;
    if (this.#visitors.size === 0 && startUs - this.#leftUs > LINGER_US) return this.close();
    if (!this.#isSettling(isLocal)) this.#show(viewOf(fleet, own, isLocal, this.#rs.listStores()));
    const nextUs = Math.max(startUs + EVERY_US, systemClock.nowUs() + EVERY_US / 10);
    this.#timer = systemClock.schedule(nextUs, () => void this.#read(reading), { background: true });
  }

  /** Whether the first counts of this process at a store that has just gone away are still to come: they would show nothing. */
  #isSettling(isLocal: ReadonlySet<string>): boolean {
    const isNew = this.#latest !== undefined && [...isLocal].some((id) => !this.#isLocal.has(id));
    this.#isLocal = isLocal;
    this.#settling = isNew ? SETTLING : Math.max(this.#settling - 1, 0);
    return this.#settling > 0;
  }

  #show(view: View): void {
    this.#latest = view;
    addPoint(this.points, pointOf(view));
    const { configVersion } = this.#rs;
    for (const visitor of this.#visitors) {
      if (configVersion !== this.#version) visitor.config(this.#config());
      visitor.view(view);
    }
    this.#version = configVersion;
  }

  #config(): ConfigView {
    const rs = this.#rs;
    return {
      title: this.#title,
      version: rs.configVersion,
      allowChanges: this.#allowChanges,
      limiters: Object.entries(rs.listLimiters()).map(([id, { store, policy }]) => {
        const { onStoreError, maxConcurrent } = policy;
        return { id, store, rules: wordsOf(policy), onStoreError, maxConcurrent };
      }),
      stores: Object.entries(rs.listStores()).map(([id, { engine, url }]) => ({ id, engine, url })),
    };
  }
}

/** The fleet, and of stores that do not show it this process. */
function viewOf(
  fleet: Fleet,
  own: Fleet,
  isLocal: ReadonlySet<string>,
  listings: Readonly<Record<string, StoreListing>>,
): View {
  const stores = fleet.stores.map((store): StoreView => {
    const { state = "up", downSinceMs } = listings[store.id] ?? {};
    const shown = own.stores.find(({ id }) => id === store.id) ?? store;
    return { ...shown, problem: store.problem, isLocal: isLocal.has(store.id), state, downSinceMs };
  });
  const limiters = [...fleet.limiters.filter(({ store }) => !isLocal.has(store)), ...own.limiters];
  return { atMs: fleet.atMs, stores, limiters: limiters.sort((a, b) => b.perSecond - a.perSecond) };
}
