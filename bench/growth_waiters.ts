/**
 * How the cost of an `acquire` grows with the number of callers that wait: in line for one slot, and for a rate.
 *
 * @module
 */

import { percentile } from "./_load.ts";
import { openRateSync } from "./_ours.ts";
import { openProbe, type Probe } from "./_probe.ts";
import type { BenchContext, Report, Row } from "./_report.ts";

const PER_SECOND = 5_000;

/** Runs it. */
export async function growthWaiters({ url, quick }: BenchContext): Promise<Report> {
  const probe = await openProbe(url);
  const rows: Row[] = [];
  for (const waiters of quick ? [1, 5] : [1, 3, 10, 30, 100, 300, 1_000]) {
    const rounds = quick ? 1 : waiters < 300 ? 9 : 3;
    const slot: Served[] = [];
    const rate: Served[] = [];
    for (let round = 0; round < rounds; round++) {
      slot.push(await inLine(url, probe, waiters));
      rate.push(await onRate(url, probe, waiters));
    }
    const median = (served: readonly Served[], of: (one: Served) => number) => percentile(served.map(of), 0.5);
    rows.push({
      waiters,
      "µs each, one slot": median(slot, (one) => one.us),
      "command µs each, one slot": median(slot, (one) => one.commandUs),
      "commands each, one slot": median(slot, (one) => one.commands),
      "command µs each, rate": median(rate, (one) => one.commandUs),
      "commands each, rate": median(rate, (one) => one.commands),
    });
  }
  await probe.flush();
  await probe.close();
  return {
    about:
      "So many callers of one process ask at once. One slot: they are in line, each gives the slot back when it has " +
      "it, and the next one gets it; two commands of the one who held it first are counted too. " +
      `Rate: ${PER_SECOND} a second.`,
    rows,
    claims: [],
    notes: [],
  };
}

/** What it took to serve one caller. */
interface Served {
  readonly us: number;
  readonly commandUs: number;
  readonly commands: number;
}

async function inLine(url: string, probe: Probe, waiters: number): Promise<Served> {
  await using rs = openRateSync(url, { slot: { maxConcurrent: 1 } });
  const holder = await rs.acquire("slot");
  return await serve(probe, waiters, async () => {
    const served = Array.from({ length: waiters }, async () => await (await rs.acquire("slot")).release());
    await rs.peek("slot"); // calls on one key keep their order: all of them are in line now
    await holder.release();
    await Promise.all(served);
  });
}

async function onRate(url: string, probe: Probe, waiters: number): Promise<Served> {
  await using rs = openRateSync(url, { rate: { ratePerSecond: PER_SECOND } });
  await rs.acquire("rate");
  return await serve(probe, waiters, async () => {
    await Promise.all(Array.from({ length: waiters }, () => rs.acquire("rate")));
  });
}

async function serve(probe: Probe, waiters: number, all: () => Promise<void>): Promise<Served> {
  await probe.reset();
  const startMs = performance.now();
  await all();
  const ms = performance.now() - startMs;
  const { commands, commandUs } = await probe.read();
  return { us: ms / waiters * 1_000, commandUs: commandUs / waiters, commands: commands / waiters };
}
