/**
 * The plot of how long callers wait who arrive together, from a run of a limiter in virtual time.
 *
 * @module
 */

import { createRateSync } from "../../src/registry/rate_sync.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { Chart } from "./chart.ts";

const CALLERS = 10;

/** The plot. */
export async function plotWaiting(): Promise<string> {
  const startsMs = await waits();
  const chart = new Chart({
    title: "Ten callers arrive at once: 5 a second, burst 3",
    subtitle: "acquire() resolves at the dot. The first three find a full bucket; the others start one interval apart",
    width: 860,
    height: 440,
    x: { label: "time since arrival (milliseconds)", range: [0, 1_600], every: 200 },
    y: { label: "caller, in order of arrival", range: [CALLERS + 0.7, 0.3], every: 0 },
  });
  startsMs.forEach((ms, i) => {
    const place = i + 1;
    chart.line([0, place], [ms, place], { color: "#b6d4f7", width: 7 });
    chart.dot([ms, place], "#0969da");
    chart.text([0, place], String(place), { anchor: "end", dx: -10, dy: 4 });
    chart.text([ms, place], ms === 0 ? "at once" : `${ms} ms`, { dx: 12, dy: 4 });
  });
  return chart.svg();
}

/** After how many milliseconds each caller starts. */
async function waits(): Promise<number[]> {
  const clock = new FakeClock();
  const rs = createRateSync({ clock, limiters: { api: { ratePerSecond: 5, burst: 3 } } });
  const permits = Promise.all(Array.from({ length: CALLERS }, () => rs.acquire("api")));
  await clock.advance(10_000);
  const waitedMs = (await permits).map((permit) => permit.waitedMs);
  await rs.close();
  return waitedMs;
}
