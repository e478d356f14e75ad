/**
 * A binary heap whose items know their place, so that any of them can be taken out.
 *
 * @module
 */

/** What lies in a heap. */
export interface HeapItem {
  /** The smaller, the nearer to the front. */
  at: number;
  /** Its place in the heap; -1 outside. Kept by the heap. */
  place: number;
}

/** Items by their `at`. Adding, moving and removing cost the logarithm of their number. */
export class Heap<Item extends HeapItem> {
  readonly #items: Item[] = [];

  /** How many items there are. */
  get size(): number {
    return this.#items.length;
  }

  /** The item in front. */
  get first(): Item | undefined {
    return this.#items[0];
  }

  /** Adds an item. */
  add(item: Item): void {
    this.#items.push(item);
    this.#up(item, this.#items.length - 1);
  }

  /** Takes an item out; it must be in. */
  remove(item: Item): void {
    const { place } = item;
    const last = this.#items.pop() as Item;
    item.place = -1;
    if (last === item) return;
    this.#up(last, place);
    this.#down(last, last.place);
  }

  /** Changes where an item belongs. */
  move(item: Item, at: number): void {
    item.at = at;
    this.#up(item, item.place);
    this.#down(item, item.place);
  }

  /** Removes everything. */
  clear(): void {
    for (const item of this.#items) item.place = -1;
    this.#items.length = 0;
  }

  /** Items from the front on, in order, until `visit` returns true. Each costs the logarithm of how many came before. */
  walk(visit: (item: Item) => boolean): void {
    const ahead: number[] = this.#items.length === 0 ? [] : [0];
    while (ahead.length > 0) {
      let least = 0;
      for (let i = 1; i < ahead.length; i++) if (this.#at(ahead[i]) < this.#at(ahead[least])) least = i;
      const place = ahead[least] as number;
      ahead[least] = ahead.at(-1) as number;
      ahead.pop();
      if (visit(this.#items[place] as Item)) return;
      if (2 * place + 1 < this.#items.length) ahead.push(2 * place + 1);
      if (2 * place + 2 < this.#items.length) ahead.push(2 * place + 2);
    }
  }

  #at(place: number | undefined): number {
    return (this.#items[place as number] as Item).at;
  }

  #up(item: Item, from: number): void {
    const items = this.#items;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const other = items[above] as Item;
      if (other.at <= item.at) break;
      items[place] = other;
      other.place = place;
      place = above;
    }
    items[place] = item;
    item.place = place;
  }

  #down(item: Item, from: number): void {
    const items = this.#items;
    let place = from;
    for (let below = 2 * place + 1; below < items.length; below = 2 * place + 1) {
      const right = items[below + 1];
      if (right !== undefined && right.at < (items[below] as Item).at) below++;
      const other = items[below] as Item;
      if (other.at >= item.at) break;
      items[place] = other;
      other.place = place;
      place = below;
    }
    items[place] = item;
    item.place = place;
  }
}
