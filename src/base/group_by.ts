/**
 * Groups of things.
 *
 * @module
 */

/** Puts together what has the same key, in the order of their first ones. */
export function groupBy<Item, Key>(
  items: readonly Item[],
  keyOf: (item: Item, index: number) => Key,
): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as Item;
    const key = keyOf(item, i);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
