/**
 * Several logs as one, in the order of their times.
 *
 * @module
 */

import type { Entry } from "./entry.ts";
import type { LogReader } from "./log_reader.ts";

/**
 * Hands the requests of logs out, oldest first. Of requests of one time, those of the first log come first.
 *
 * @param readers The logs.
 * @param take Takes each request.
 * @throws {LogError} If a log cannot be replayed.
 */
export async function mergeLogs(readers: readonly LogReader[], take: (entry: Entry) => void): Promise<void> {
  let open: readonly LogReader[] = readers;
  while (true) {
    for (const reader of open) if (reader.next === undefined) await reader.fill();
    open = open.filter((reader) => reader.next !== undefined);
    const [first, second] = oldestTwo(open);
    if (first === undefined) return;
    // One log goes on alone for as long as it has what is oldest: a look at all others takes longer than a request.
    const otherUs = second?.next?.timeUs ?? Infinity;
    const isFirst = second !== undefined && open.indexOf(first) < open.indexOf(second);
    for (let entry = first.next; entry !== undefined; entry = first.next) {
      if (entry.timeUs > otherUs || (entry.timeUs === otherUs && !isFirst)) break;
      first.shift();
      take(entry);
    }
  }
}

function oldestTwo(readers: readonly LogReader[]): [LogReader | undefined, LogReader | undefined] {
  let first: LogReader | undefined;
  let second: LogReader | undefined;
  for (const reader of readers) {
    const atUs = reader.next?.timeUs as number;
    if (first === undefined || atUs < (first.next?.timeUs as number)) [first, second] = [reader, first];
    else if (second === undefined || atUs < (second.next?.timeUs as number)) second = reader;
  }
  return [first, second];
}
