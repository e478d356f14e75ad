/**
 * `ratesync keys`
 *
 * @module
 */

import { type ListedKey, listKeys } from "../../limiter/list_keys.ts";
import type { Limiter } from "../../limiter/limiter.ts";
import { type Command, type Context, defineCommand } from "../command.ts";
import { levelText, LIMITER_ARGUMENT, sharedLimiter, type Standing, standingOf, stateText } from "../limiters.ts";
import { table } from "../output/table.ts";
import { printable } from "../output/text.ts";

/** How many keys are listed unless `--count` says more. */
const COUNT = 100;

/** How many keys are looked at together. */
const TOGETHER = 512;

/** A key, and what is left of its limits. */
interface Row extends Standing {
  /** The key; absent for the limiter as a whole, and of a long key. */
  readonly key?: string;
  /** The hash of a long key: the store has no more of it. */
  readonly hash?: string;
}

/** Lists keys of a limiter with where each stands. */
export const command: Command = defineCommand({
  about: "It lists keys for which the store holds something, in no order, with what is left of each limit. It goes " +
    "through the store in small steps that delay no decision, and takes nothing from any limit.\n\n" +
    "The store has only the hash of keys of more than 200 characters: they are shown as sha256:... A key without a " +
    "name, shown as (whole), is the limiter as a whole, for calls without a key.",
  arguments: { limiter: LIMITER_ARGUMENT },
  options: {
    match: {
      kind: "text",
      value: "PATTERN",
      about: "Only keys that match: * stands for any text, ? for any character",
    },
    count: { kind: "count", value: "N", min: 1, max: 1_000_000, about: `List at most N keys; ${COUNT} if left out` },
    denied: { kind: "flag", about: "Only keys that are denied now" },
  },
  exits: { 0: "done, also if there are no keys" },
  examples: [
    ["ratesync keys login", "lists keys of the limiter login"],
    ["ratesync keys login --denied --json", "lists those that are denied now, as JSON"],
    ["ratesync keys api --match 'user:4*' --count 1000", "lists more keys, of which all begin so"],
  ],
  async run(context, { limiter: id, match = "*", count = COUNT, denied }) {
    const { limiter } = await sharedLimiter(context, id);
    const { rows, more } = await collect(context, limiter, { match, count, denied });
    rows.sort((a, b) => Number(a.allowed) - Number(b.allowed) || compare(nameOf(a), nameOf(b)));
    return {
      json: { limiter: id, keys: rows, more },
      text: rows.length === 0 ? `No keys of limiter ${JSON.stringify(id)} were found.` : shown(context, rows, more),
    };
  },
});

interface Wanted {
  readonly match: string;
  readonly count: number;
  readonly denied: boolean;
}

/** Goes through the keys until there are enough. */
async function collect(context: Context, limiter: Limiter, { match, count, denied }: Wanted): Promise<{
  readonly rows: Row[];
  readonly more: boolean;
}> {
  const [, prefix = ""] = /^([^*?]*)/.exec(match) ?? [];
  const pattern = new RegExp(
    `^${match.replace(/[^*?\w]/gu, escaped).replaceAll("*", ".*").replaceAll("?", ".")}$`,
    "su",
  );
  const rows: Row[] = [];
  const seen = new Set<string>();
  let waiting: ListedKey[] = [];
  const look = async () => {
    const looked = await Promise.all(waiting.map(async (listed) => rowOf(listed, standingOf(await listed.peek()))));
    waiting = [];
    rows.push(...looked.filter(({ allowed }) => !denied || !allowed));
    context.progress(`${seen.size} keys seen, ${rows.length} listed`);
  };
  for await (const listed of listKeys(limiter, prefix)) {
    context.signal.throwIfAborted();
    const name = nameOf(listed);
    if (seen.has(name) || !(match === "*" || (listed.key !== undefined && pattern.test(listed.key)))) continue;
    if (!denied && seen.size >= count) {
      await look();
      return { rows, more: true };
    }
    seen.add(name);
    waiting.push(listed);
    if (waiting.length === TOGETHER) await look();
    if (rows.length > count) return { rows: rows.slice(0, count), more: true };
  }
  await look();
  return { rows: rows.slice(0, count), more: rows.length > count };
}

function rowOf({ key, hash }: ListedKey, standing: Standing): Row {
  return { ...(key === undefined ? {} : { key }), ...(hash === undefined ? {} : { hash }), ...standing };
}

/** What no other key is called: keys begin with `=` here. */
function nameOf({ key, hash }: { readonly key?: string | undefined; readonly hash?: string | undefined }): string {
  return key !== undefined ? `=${key}` : hash ?? "";
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`;
}

function shown({ paint, columns }: Context, rows: readonly Row[], more: boolean): string {
  const text = table(
    [{ title: "KEY" }, { title: "STATE" }, { title: "LEFT" }],
    rows.map((row) => {
      const name = row.key !== undefined
        ? printable(row.key)
        : row.hash === undefined
        ? "(whole)"
        : `sha256:${row.hash}`;
      return [name, stateText(row, paint), levelText(row)];
    }),
    { paint, columns },
  );
  return more ? `${text}\n\nThere are more keys: --count lists more, --match fewer.` : text;
}
