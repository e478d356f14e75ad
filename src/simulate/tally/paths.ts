/**
 * Paths, as reports group them: ids in a path do not count.
 *
 * @module
 */

import { Names } from "./names.ts";

/** More groups than this are one: paths that clients make up must not fill memory. */
const MAX_GROUPS = 10_000;

/** How many paths are remembered with their groups. */
const MAX_REMEMBERED = 50_000;

/** What stands in place of an id. */
const ID = ":id";

/** What stands for requests without a path, and for paths beyond the most. */
export const NO_PATH = "(none)";
export const OTHER_PATHS = "(others)";

/** Groups of paths, by number. */
export class Paths {
  /** The groups. */
  readonly names: Names = new Names();
  readonly #groups = new Map<string, number>();

  /** The number of the group of a path. */
  groupOf(path: string | undefined): number {
    if (path === undefined) return this.names.numberOf(NO_PATH);
    const known = this.#groups.get(path);
    if (known !== undefined) return known;
    const text = groupText(path);
    const found = this.names.find(text);
    const isFull = found === undefined && this.names.size >= MAX_GROUPS;
    const group = found ?? this.names.numberOf(isFull ? OTHER_PATHS : text);
    if (this.#groups.size >= MAX_REMEMBERED) this.#groups.clear();
    this.#groups.set(path, group);
    return group;
  }
}

/** A number, a UUID, an ObjectId or a hash, or anything long with digits in it. */
const IDS = /^(?:\d+|[\da-f]{8}-[\da-f-]{27}|[\da-f]{16,}|(?=[^/]*\d)[\w-]{20,})$/i;

/** The longest path that is shown as it is. */
const MAX_LENGTH = 200;

function groupText(path: string): string {
  const text = path.length > MAX_LENGTH ? `${path.slice(0, MAX_LENGTH)}…` : path;
  if (!/\d/.test(text) && !/[\da-f]{16}/i.test(text)) return text;
  return text.split("/").map((part) => IDS.test(part) ? ID : part).join("/");
}
