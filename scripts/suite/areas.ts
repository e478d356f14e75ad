/**
 * Areas: an area is a folder of tests with its own files, without the folders below it. Its name is its path in `tests/`.
 *
 * @module
 */

/** The area of a test file: `stores/redis/cluster` for `tests/stores/redis/cluster/cluster_test.ts`. */
export function areaOf(file: string): string {
  return file.slice("tests/".length, file.lastIndexOf("/"));
}

/** The areas of test files, each once, in order. */
export function areasOf(files: readonly string[]): string[] {
  return [...new Set(files.map(areaOf))].toSorted();
}

/**
 * The files that a word of `npm test` chooses: those of the area that it names, with or without `tests/`; where it names
 * none, those whose path contains it. So `http` is one area, and `http/` all that begin with it.
 */
export function filesFor(word: string, files: readonly string[]): string[] {
  const area = word.replace(/^(\.\/)?tests\//, "");
  const own = files.filter((file) => areaOf(file) === area);
  return own.length > 0 ? own : files.filter((file) => file.includes(word));
}
