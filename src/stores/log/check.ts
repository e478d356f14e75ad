/**
 * Looks at a store over a stream.
 *
 * @module
 */

import { systemClock, wallMs } from "../../base/clock.ts";
import { withTimeout } from "../../base/deadline.ts";
import { ClosedError, StoreError } from "../../base/errors.ts";
import { clockProblems, newStoreCheck, problemOf, type StoreCheck, type StoreFindings } from "../check.ts";
import type { DoneReply } from "../store.ts";
import type { Shard } from "./shard.ts";
import type { LogStream } from "./stream.ts";

/** How long a look may take, in milliseconds. */
const LOOK_MS = 1_800;

const NOTHING: Promise<Partial<StoreFindings>> = Promise.resolve({});

/** What is wrong, of the stream and of the shards that are read. Never rejects. */
export async function checkLog(stream: LogStream, shards: readonly Shard[], isClosed: boolean): Promise<StoreCheck> {
  const { engine, url } = stream;
  if (isClosed) {
    const { message } = new ClosedError(`the ${engine} store`);
    return newStoreCheck({ engine, url, problems: [{ kind: "unreachable", message, stopsDecisions: true }] });
  }
  const late = () => {
    const message = `Cannot get an answer from the stream: none came within ${LOOK_MS} ms`;
    return new StoreError("STORE_TIMEOUT", message, { reason: "no_answer" });
  };
  const [found, looked] = await Promise.all([
    withTimeout(stream.check?.() ?? NOTHING, LOOK_MS, late).catch(() => NOTHING),
    withTimeout(look(shards), LOOK_MS, late).catch((error: unknown) => error as Error),
  ]);
  const own = looked instanceof Error ? { problems: [problemOf(looked)] } : looked;
  const problems = [...found.problems ?? [], ...own.problems ?? []];
  // What the server says of itself says more than that no answer came.
  const isTold = (found.problems ?? []).some(({ stopsDecisions }) => stopsDecisions);
  return newStoreCheck({
    engine,
    url,
    ...found,
    ...own,
    problems: isTold ? found.problems ?? [] : problems,
  });
}

/** Sends a message that changes nothing through each shard that is read. */
async function look(shards: readonly Shard[]): Promise<Partial<StoreFindings>> {
  const [first, ...others] = shards as [Shard, ...Shard[]];
  await first.open();
  const sentUs = systemClock.nowUs();
  const sentMs = wallMs(systemClock);
  const [replies] = await Promise.all([
    first.send([{ op: "look" }]),
    ...others.filter(({ isOpen }) => isOpen).map((shard) => shard.send([{ op: "look" }])),
  ]);
  const latencyMs = (systemClock.nowUs() - sentUs) / 1_000;
  const { nowUs } = replies[0] as DoneReply;
  const clockOffsetMs = Math.round(nowUs / 1_000 - (sentMs + latencyMs / 2));
  return {
    latencyMs,
    clockOffsetMs,
    keyCount: shards.reduce((sum, { replica }) => sum + (replica?.table.size ?? 0), 0),
    problems: clockProblems(clockOffsetMs, latencyMs),
  };
}
