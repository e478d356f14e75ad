/**
 * What this process does at stores that do not show the fleet: those in its memory, and those that are away.
 *
 * @module
 */

import { systemClock } from "../base/clock.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { FleetReader } from "../fleet/fleet_reader.ts";
import type { RateSync } from "../registry/rate_sync.ts";
import { Publisher } from "../registry/reports/publisher.ts";
import type { StoreListing } from "../registry/listing.ts";
import type { Board, BoardPost } from "../stores/board.ts";
import type { Store } from "../stores/store.ts";

/** A board in this process. */
class OwnBoard implements Board {
  #post: BoardPost | undefined;

  /** Publishers are started, and wait for nothing. */
  notice(): () => void {
    return () => {};
  }

  post(id: string, text: string): Promise<boolean> {
    this.#post = { id, text };
    return Promise.resolve(true);
  }

  read(): Promise<readonly BoardPost[]> {
    return Promise.resolve(this.#post === undefined ? [] : [this.#post]);
  }
}

/** Counts what this process does at some stores. */
export class OwnBoards {
  readonly #rs: RateSync<string>;
  readonly #open = new Map<string, { readonly board: OwnBoard; readonly publisher: Publisher }>();
  readonly #reader: FleetReader;
  #ids: ReadonlySet<string> = new Set();

  constructor(rs: RateSync<string>) {
    this.#rs = rs;
    const only = (ids: ReadonlySet<string>, all: Readonly<Record<string, StoreListing>>) =>
      Object.fromEntries(Object.entries(all).filter(([id]) => ids.has(id)));
    this.#reader = new FleetReader({
      listStores: () => only(this.#ids, rs.listStores()),
      openStore: (id = "") => Promise.resolve({ board: this.#boardOf(id) } as Pick<Store, "board"> as Store),
    });
  }

  /** Reads what was counted at some stores, as a fleet of one process. The counts of other stores end. */
  async read(ids: ReadonlySet<string>): Promise<Fleet> {
    this.#ids = ids;
    for (const id of this.#open.keys()) if (!ids.has(id)) this.#end(id);
    return await this.#reader.read();
  }

  /** Ends all counts. */
  close(): void {
    for (const id of this.#open.keys()) this.#end(id);
  }

  #boardOf(store: string): OwnBoard {
    const known = this.#open.get(store);
    if (known !== undefined) return known.board;
    const rs = this.#rs;
    const board = new OwnBoard();
    const limiters = () => {
      const ids = Object.entries(rs.listLimiters()).filter(([, it]) => it.store === store).map(([id]) => id);
      return ids.map((id) => rs.limiter(id));
    };
    const publisher = new Publisher({
      store,
      board,
      clock: systemClock,
      limiters,
      listing: () => rs.listStores()[store] as StoreListing,
      observe: (observer) => rs.observe(observer),
    });
    publisher.start();
    this.#open.set(store, { board, publisher });
    return board;
  }

  #end(id: string): void {
    this.#open.get(id)?.publisher.close();
    this.#open.delete(id);
  }
}
