/**
 * Seeded mistakes in the Lua of the Redis store, each of the kind that a slip of the hand makes.
 *
 * @module
 */

import { createHash } from "node:crypto";

import { shortenerOfScripts } from "../../../scripts/lua/scripts.ts";
import type { ScriptCall } from "../../../src/stores/redis/script_call.ts";
import type { Script } from "../../../src/stores/redis/script.ts";
import {
  bucket,
  coordinate,
  decide,
  fixedWindow,
  post,
  register,
  sample,
  several,
  slidingWindow,
  slidingWindowCounter,
  takeMixed,
  texts,
  watch,
} from "../../../src/stores/redis/scripts.gen.ts";
import type { ParityServices } from "../parity.ts";

/** A mistake: in every script that has `right`, it becomes `wrong`. */
export interface Mutant {
  /** The Lua file. */
  readonly file: string;
  /** What is wrong, in words. */
  readonly name: string;
  /** The right text, within one line. In a file that is inlined, it is wrong at each place. */
  readonly right: string;
  /** The mistake. */
  readonly wrong: string;
  /** The law that notices it, where parity cannot. */
  readonly law?: (services: ParityServices) => Promise<void>;
}

/** The scripts that are tried. */
export const SCRIPTS: readonly Script[] = [
  bucket,
  coordinate,
  decide,
  fixedWindow,
  post,
  register,
  sample,
  several,
  slidingWindow,
  slidingWindowCounter,
  takeMixed,
  texts,
  watch,
];

const shorten = await shortenerOfScripts();

/** How often a mutant's text stands in each script. */
export function occurrences({ right }: Mutant): number[] {
  return SCRIPTS.map(({ source }) => source.split(shorten(right)).length - 1);
}

/** Replaces scripts by ones with the mistake, under digests of their own. */
export function seed({ right, wrong }: Mutant): (call: ScriptCall) => ScriptCall {
  const wrongs = new Map(SCRIPTS.map((script) => {
    const source = script.source.replaceAll(shorten(right), () => shorten(wrong));
    return [script, { name: script.name, source, sha1: createHash("sha1").update(source).digest("hex") }];
  }));
  return (call) => ({ ...call, script: wrongs.get(call.script) ?? call.script });
}

/** Its name, the right text, the wrong one, and a law. */
type Mistake = [name: string, right: string, wrong: string, law?: (services: ParityServices) => Promise<void>];

/** Several of one file. */
export function mutants(file: string, ...mistakes: Mistake[]): Mutant[] {
  return mistakes.map(([name, right, wrong, law]) => ({ file, name, right, wrong, ...(law && { law }) }));
}
