/**
 * Places in compiled files, as places in the sources. Node could do this itself, but then it reads the map of each module
 * that a test loads, which takes a fifth of the time of a small test file; here only failures are read.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";

/** `dist/tests/a_test.js:3:17`, with the folder above and the scheme before it, if there are any. */
const PLACE = /(?:file:\/\/)?(?:[\w.@+-]*\/)*?dist\/((?:src|tests|bench|scripts|mod)[\w./-]*)\.js:(\d+):(\d+)/g;

/**
 * A text in which each place of a file in `dist/` is that of its source. A place that no map knows stays as it is.
 *
 * @param text What a test has printed.
 */
export function withSourcePlaces(text: string): string {
  const maps = new Map<string, SourceMap | undefined>();
  return text.replace(PLACE, (place, path: string, line: string, column: string) => {
    if (!maps.has(path)) maps.set(path, mapOf(path));
    const found = maps.get(path)?.findEntry(Number(line) - 1, Number(column) - 1);
    return found !== undefined && "originalLine" in found
      ? `${path}.ts:${found.originalLine + 1}:${found.originalColumn + 1}`
      : place;
  });
}

function mapOf(path: string): SourceMap | undefined {
  const file = `dist/${path}.js.map`;
  return existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, "utf8"))) : undefined;
}
