/**
 * Looks at all keys of a server in bounded steps.
 *
 * @module
 */

/** How many keys `SCAN` looks at in one step. */
const KEYS_PER_STEP = 1_000;

/**
 * The names of the keys that match a pattern, step by step. A key may come twice.
 *
 * @param scan Sends a `SCAN` command.
 * @param pattern The pattern; what shall stand for itself is escaped by `escapePattern`.
 */
export async function* scanKeys(
  scan: (command: readonly string[]) => Promise<unknown>,
  pattern: string,
): AsyncGenerator<readonly string[], void, void> {
  let cursor = "0";
  do {
    const page = await scan(["SCAN", cursor, "MATCH", pattern, "COUNT", String(KEYS_PER_STEP)]);
    const [next, keys] = page as [cursor: string, keys: string[]];
    yield keys;
    cursor = next;
  } while (cursor !== "0");
}

/** Text as it stands for itself in a pattern. */
export function escapePattern(text: string): string {
  return text.replace(/[\\*?[\]]/g, "\\$&");
}
