/**
 * `ratesync top`
 *
 * @module
 */

import { onAbort } from "../../base/abort.ts";
import { sleepUntil, systemClock } from "../../base/clock.ts";
import type { Fleet } from "../../fleet/fleet.ts";
import { watchFleet } from "../../fleet/watch.ts";
import type { RateSync } from "../../registry/rate_sync.ts";
import { type Command, type Context, defineCommand, type Outcome } from "../command.ts";
import { EXIT } from "../exit.ts";
import { Stopped, UsageError } from "../failure.ts";
import { Screen } from "../top/screen.ts";
import { headOf, viewOf } from "../top/view.ts";

/** How often the fleet is read at least: processes stop to report five seconds after the last reading. */
const READ_MS = 1_000;

/** How long `--once` waits as a rule: processes look within two seconds and report their first rate a second later, if they are not busy. */
const ONCE_MS = 5_000;

/** Shows what the fleet does. */
export const command: Command = defineCommand({
  about:
    "It asks all processes that use the stores of the configuration to report once a second, and adds up what they " +
    "say: calls, denials by reason, waiting calls, permits, times, and the keys that come most often. Processes report " +
    "only while there is a watcher. A process appears within three seconds of its next call (over REST, eleven).\n\n" +
    "On a terminal it redraws one page: q or Ctrl-C ends it. Elsewhere it prints a table at each interval, or with --json " +
    "a line of JSON.",
  arguments: {
    limiter: { kind: "text", optional: true, completes: "limiter", about: "Only this limiter, with more of its keys" },
  },
  options: {
    once: { kind: "flag", about: "Print one table after five seconds, and end" },
    wait: {
      kind: "duration",
      value: "TIME",
      max: 60_000,
      about:
        "With --once, how long to wait for reports of processes; 5s if left out. Over REST, processes need up to 11s",
    },
    interval: {
      kind: "duration",
      value: "TIME",
      min: 200,
      max: 3_600_000,
      about: "How often to show something new; 1s if left out",
    },
  },
  exits: { 3: "with --once: no store shows its processes" },
  examples: [
    ["ratesync top", "shows all limiters, live"],
    ["ratesync top api --interval 5s", "shows one limiter every five seconds"],
    ["ratesync top --once --json", "prints what the fleet does now, for a program"],
  ],
  async run(context, { limiter, once, wait, interval = 1_000 }) {
    if (wait !== undefined && !once) throw new UsageError("Option --wait is for one table", "add --once");
    const rs = await context.open();
    if (limiter !== undefined) rs.limiter(limiter);
    if (once) return await showOnce(context, rs, limiter, wait ?? ONCE_MS);
    if (!context.json && context.io.stdout.isTTY === true) return await showLive(context, rs, limiter, interval);
    return await print(context, rs, limiter, interval);
  },
});

async function showOnce(
  context: Context,
  rs: RateSync,
  limiter: string | undefined,
  waitMs: number,
): Promise<Outcome> {
  context.progress("Waiting for processes to report ...");
  let latest: Fleet | undefined;
  let stop = () => {};
  // A store that is slow to connect to may be read for the first time after the wait.
  const reading = new Promise<Fleet>((resolve, reject) => {
    onAbort(context.signal, () => reject(context.signal.reason));
    stop = watchFleet(rs, (fleet) => resolve(latest = fleet), { everyMs: READ_MS / 2 });
  });
  const waiting = sleepUntil(systemClock, systemClock.nowUs() + waitMs * 1_000, context.signal);
  const [first] = await Promise.all([reading, waiting]).finally(() => stop());
  const fleet = only(latest ?? first, context, limiter);
  const isSeen = fleet.stores.some(({ problem }) => problem === undefined);
  return { json: fleet, text: pageOf(fleet, context, limiter), exit: isSeen ? EXIT.done : EXIT.store };
}

/** Prints a table, or a line of JSON, at each interval, until the program is stopped. */
async function print(
  context: Context,
  rs: RateSync,
  limiter: string | undefined,
  interval: number,
): Promise<Outcome> {
  await watch(context, rs, interval, (fleet) => {
    const shown = only(fleet, context, limiter);
    const text = context.json ? JSON.stringify(shown) : `${pageOf(shown, context, limiter)}\n`;
    context.io.stdout.write(`${text}\n`);
  });
  return {};
}

async function showLive(
  context: Context,
  rs: RateSync,
  limiter: string | undefined,
  interval: number,
): Promise<Outcome> {
  const { io: { stdin, stdout }, paint } = context;
  const quit = new AbortController();
  let wasInterrupted = false;
  const screen = new Screen(stdin, stdout, (isInterrupt) => {
    wasInterrupted = isInterrupt;
    quit.abort();
  });
  try {
    screen.show(() => ["Waiting for processes to report ... q ends this."]);
    await watch(context, rs, interval, (fleet) => {
      const shown = only(fleet, context, limiter);
      screen.show((columns, rows) => [
        headOf(shown, { paint }),
        ...viewOf(shown, { limiter, paint, columns, rows: rows - 1 }),
      ]);
    }, quit.signal);
  } finally {
    screen.leave();
  }
  if (wasInterrupted) throw new Stopped();
  return {};
}

/** Reads the fleet every second, and shows it at each interval, until the program is stopped. */
async function watch(
  { signal }: Context,
  rs: RateSync,
  interval: number,
  show: (fleet: Fleet) => void,
  quit?: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  let nextUs = 0;
  let stop = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      onAbort(quit, resolve);
      onAbort(signal, () => reject(signal.reason));
      stop = watchFleet(rs, (fleet) => {
        const nowUs = systemClock.nowUs();
        // Readings take time too: one that comes a little early is shown.
        if (nowUs < nextUs - 100_000) return;
        nextUs = Math.max(nextUs, nowUs) + interval * 1_000;
        try {
          show(fleet);
        } catch (error) {
          reject(error);
        }
      }, { everyMs: Math.min(interval, READ_MS) });
    });
  } finally {
    stop();
  }
}

function pageOf(fleet: Fleet, { paint, columns }: Context, limiter: string | undefined): string {
  return [headOf(fleet, { paint }), ...viewOf(fleet, { limiter, paint, columns, rows: Infinity })].join("\n");
}

/** A fleet without what was not asked for. */
function only(fleet: Fleet, { store }: Context, limiter: string | undefined): Fleet {
  return {
    ...fleet,
    stores: fleet.stores.filter(({ id }) => store === undefined || id === store),
    limiters: fleet.limiters.filter((each) =>
      (store === undefined || each.store === store) && (limiter === undefined || each.id === limiter)
    ),
  };
}
