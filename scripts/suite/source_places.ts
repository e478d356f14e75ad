/**
 * Places in compiled files and in bundles of these, as places in the sources. Node could do this itself, but then it reads
 * the map of each module that a test loads, which takes a fifth of the time of a small test file; here only failures are
 * read.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { join } from "node:path";

import { NODE_TESTS } from "./node_tests.ts";

/** `dist/tests/a_test.js:3:17`, with the folder above and the scheme before it, if there are any. */
const COMPILED = placesOf("dist/(?:src|tests|bench|scripts|mod)");

/** The same in a bundle: `dist/node/chunks/redis_store.js:5:1`. */
const BUNDLED = placesOf(`${NODE_TESTS}/(?:chunks|tests)`);

/**
 * A text in which each place of a file in `dist/` is that of its source. A place that no map knows stays as it is.
 *
 * @param text What a test has printed.
 */
export function withSourcePlaces(text: string): string {
  return withOriginals(withOriginals(text, BUNDLED), COMPILED);
}

function placesOf(start: string): RegExp {
  return new RegExp(`(?:file://)?(?:[\\w.@+-]*/)*?(${start}[\\w./-]*\\.js):(\\d+):(\\d+)`, "g");
}

/** The text with the places that the maps beside the files name. */
function withOriginals(text: string, places: RegExp): string {
  const maps = new Map<string, SourceMap | undefined>();
  return text.replace(places, (place, file: string, line: string, column: string) => {
    if (!maps.has(file)) maps.set(file, mapOf(file));
    const found = maps.get(file)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (found === undefined || !("originalLine" in found)) return place;
    return `${sourceOf(file, found.originalSource)}:${found.originalLine + 1}:${found.originalColumn + 1}`;
  });
}

function mapOf(file: string): SourceMap | undefined {
  return existsSync(`${file}.map`) ? new SourceMap(JSON.parse(readFileSync(`${file}.map`, "utf8"))) : undefined;
}

/** A source as a path from here: maps name it from their own folder. */
function sourceOf(file: string, source: string): string {
  return join(file, "..", source);
}
