/**
 * What is read of each line: keys, path and cost, and which limiters check it.
 *
 * @module
 */

import { ConfigError } from "../../base/errors.ts";
import { show } from "../../base/text.ts";
import { type Field, fieldText, parseField, pathOf } from "../fields.ts";
import type { LineValues } from "../formats/mod.ts";
import { Entry } from "../input/entry.ts";
import type { Intake } from "../input/log_reader.ts";
import { Paths } from "../tally/paths.ts";
import { KeySource } from "./key_source.ts";
import { RequestFilter } from "./request_filter.ts";
import { readScoped, valuesFor } from "./scoped.ts";

/** What users say about lines. */
export interface PlanOptions {
  /** How keys are formed, for all limiters or `limiter=` in front. @default `address` */
  readonly key?: readonly string[] | undefined;
  /** Patterns of paths that are checked. @default any path */
  readonly path?: readonly string[] | undefined;
  /** Methods that are checked. @default any method */
  readonly method?: readonly string[] | undefined;
  /** Statuses of answers whose requests are left out: `429`, `5xx`. @default none */
  readonly ignoreStatus?: readonly string[] | undefined;
  /** The field that holds the cost of a request. @default each request costs 1 */
  readonly cost?: string | undefined;
}

/** How a limiter sees lines. */
interface LimiterPlan {
  /** Its way to form keys, by number. */
  readonly source: number;
  readonly filter: RequestFilter;
}

/** How many methods and paths are remembered with the limiters that check them. */
const MAX_REMEMBERED = 50_000;

/** Makes requests of lines. */
export class Plan implements Pick<Intake, "wanted" | "needed" | "entryOf"> {
  /** The fields whose values are wanted. */
  readonly wanted: readonly Field[];
  /** Those without which nothing can be replayed. */
  readonly needed: readonly Field[];
  /** Ways to form keys. */
  readonly sources: readonly KeySource[];
  /** Paths, as they are reported. */
  readonly paths: Paths = new Paths();
  /** Lines that no limiter checks, or whose status is left out. */
  filtered = 0;
  readonly #limiters: readonly LimiterPlan[];
  readonly #all: readonly number[];
  readonly #isFiltered: boolean;
  readonly #checkedBy = new Map<string, readonly number[]>();
  /** The places of values: of each field of each way to form keys, and of the others. */
  readonly #keyPlaces: readonly (readonly number[])[];
  readonly #keyValues: (string | undefined)[][];
  readonly #pathPlace: number;
  readonly #methodPlace: number;
  readonly #costPlace: number;
  readonly #statusPlace: number;
  readonly #ignored: ReadonlySet<string>;

  /**
   * @param limiters The ids of limiters.
   * @param options What users say.
   * @throws {ConfigError} If an option cannot be used.
   */
  constructor(limiters: readonly string[], options: PlanOptions) {
    const { key = [], path = [], method = [], ignoreStatus = [], cost } = options;
    const [keys, paths, methods] = [key, path, method].map((texts) => readScoped(texts, limiters));
    const sources: KeySource[] = [];
    this.#limiters = limiters.map((limiter) => {
      const source = new KeySource(valuesFor(keys ?? [], limiter).at(-1) ?? "address");
      let number = sources.findIndex(({ text }) => text === source.text);
      if (number === -1) number = sources.push(source) - 1;
      const filter = new RequestFilter(valuesFor(methods ?? [], limiter), valuesFor(paths ?? [], limiter));
      return { source: number, filter };
    });
    this.sources = sources;
    this.#all = limiters.map((_, i) => i);
    this.#isFiltered = this.#limiters.some(({ filter }) => !filter.isOpen);

    const wanted: Field[] = [];
    const placeOf = (field: Field): number => {
      const place = wanted.findIndex((one) => fieldText(one) === fieldText(field));
      return place === -1 ? wanted.push(field) - 1 : place;
    };
    this.#keyPlaces = sources.map(({ fields }) => fields.map(placeOf));
    this.#keyValues = sources.map(({ fields }) => fields.map(() => undefined));
    this.#costPlace = cost === undefined ? -1 : placeOf(parseField(cost, "cost"));
    this.#methodPlace = methods?.length ? placeOf({ kind: "method" }) : -1;
    // The last way to find a key is enough, where there are several.
    const alone = sources.flatMap(({ fields }) => fields.length === 1 ? fields : []);
    const needed = [...alone, ...(cost === undefined ? [] : [parseField(cost, "cost")])];
    if (methods?.length) needed.push({ kind: "method" });
    if (paths?.length) needed.push({ kind: "path" });
    this.needed = needed;
    this.#ignored = new Set(ignoreStatus.flatMap((text) => statusesOf(text)));
    this.#statusPlace = this.#ignored.size === 0 ? -1 : placeOf({ kind: "status" });
    if (this.#ignored.size > 0) needed.push({ kind: "status" });
    this.#pathPlace = placeOf({ kind: "path" });
    this.wanted = wanted;
  }

  /** The way in which a limiter's keys are formed, by number. */
  sourceOf(limiter: number): number {
    return (this.#limiters[limiter] as LimiterPlan).source;
  }

  /** The request of a line; undefined if no limiter checks it; a text that says what is wrong with it. */
  entryOf({ timeUs, values }: LineValues, lineNumber: number): Entry | string | undefined {
    const target = values[this.#pathPlace];
    const path = target === undefined ? undefined : pathOf(target);
    const limiters = this.#isFiltered ? this.#limitersOf(values[this.#methodPlace], path) : this.#all;
    const isIgnored = this.#statusPlace !== -1 && this.#ignored.has(values[this.#statusPlace] ?? "");
    if (limiters.length === 0 || isIgnored) {
      this.filtered++;
      return undefined;
    }
    const cost = this.#costPlace === -1 ? 1 : costOf(values[this.#costPlace]);
    if (Number.isNaN(cost)) return "a cost that is no number";
    const keys: number[] = [];
    for (let i = 0; i < this.sources.length; i++) {
      const places = this.#keyPlaces[i] as readonly number[];
      const own = this.#keyValues[i] as (string | undefined)[];
      for (let j = 0; j < places.length; j++) own[j] = values[places[j] as number];
      keys.push((this.sources[i] as KeySource).numberOf(own));
    }
    return new Entry(timeUs, lineNumber, keys, this.paths.groupOf(path), cost, limiters);
  }

  #limitersOf(method: string | undefined, path: string | undefined): readonly number[] {
    const name = `${method} ${path}`;
    let limiters = this.#checkedBy.get(name);
    if (limiters === undefined) {
      limiters = this.#all.filter((i) => this.#limiters[i]?.filter.takes(method, path));
      if (this.#checkedBy.size >= MAX_REMEMBERED) this.#checkedBy.clear();
      this.#checkedBy.set(name, limiters);
    }
    return limiters;
  }
}

/** The statuses that a text such as `429,5xx` names. */
function statusesOf(text: string): string[] {
  return text.split(",").map((part) => part.trim().toLowerCase()).flatMap((part) => {
    if (/^[1-5]\d\d$/.test(part)) return [part];
    if (/^[1-5]xx$/.test(part)) return Array.from({ length: 100 }, (_, i) => String(Number(part[0]) * 100 + i));
    throw new ConfigError({ path: "ignore-status", expected: "statuses such as 429 or 5xx", received: show(part) });
  });
}

/** The cost of a request, in whole units from 1: a part of a unit counts as one. */
function costOf(text: string | undefined): number {
  if (text === undefined || text.trim() === "") return NaN;
  const units = Number(text);
  return units >= 0 && units <= Number.MAX_SAFE_INTEGER ? Math.max(Math.ceil(units), 1) : NaN;
}
