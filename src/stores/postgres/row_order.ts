/**
 * The order in which rows are locked and added: that of the index, by bytes of UTF-8.
 *
 * @module
 */

const SURROGATE = /[\ud800-\udfff]/;

/** Sorts by names of rows, in place. */
export function sortByName<Item>(items: Item[], nameOf: (item: Item) => string): Item[] {
  const isOdd = items.some((item) => SURROGATE.test(nameOf(item)));
  return items.sort((a, b) => compare(nameOf(a), nameOf(b), isOdd));
}

/** UTF-16 puts surrogates, which stand for the last code points, before some other characters. */
function compare(a: string, b: string, isOdd: boolean): number {
  if (!isOdd) return a < b ? -1 : a > b ? 1 : 0;
  for (let i = 0; i < a.length && i < b.length;) {
    const [one, other] = [a.codePointAt(i) as number, b.codePointAt(i) as number];
    if (one !== other) return one - other;
    i += one > 0xffff ? 2 : 1;
  }
  return a.length - b.length;
}
