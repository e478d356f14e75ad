/**
 * A fleet of processes on one store, in virtual time, over connections that fail, from seeds; an auditor states the laws
 * over everything that the store did.
 *
 *     npm run simulate                       a thousand seeds
 *     npm run simulate -- --seeds 10000      more of them
 *     npm run simulate -- --seed 17          one, with what the store did
 *
 * `--weather calm|lossy|stormy` picks the faults in place of the seed, `--changes
 * none|mixed|rolling|reload` says what becomes of rules, `--stepping` lets the clock of the store step back.
 * It ends with code 1 if a law was broken, and prints the seeds.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";

import { simulate } from "./simulate/fleet.ts";
import type { Changes, ScenarioOptions, Weather } from "./simulate/scenario.ts";

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      seeds: { type: "string", default: "1000" },
      first: { type: "string", default: "1" },
      weather: { type: "string" },
      changes: { type: "string" },
      stepping: { type: "boolean", default: false },
    },
  });
  const options: ScenarioOptions = {
    weather: values.weather as Weather | undefined,
    changes: values.changes as Changes | undefined,
    stepping: values.stepping,
  };
  if (values.seed !== undefined) return await one(Number(values.seed), options);
  return await many(Number(values.first), Number(values.seeds), options);
}

async function one(seed: number, options: ScenarioOptions): Promise<number> {
  const { problems, trace, seconds, history } = await simulate(seed, options);
  for (const line of history.lines()) console.log(line);
  console.log(`seed ${seed}: ${seconds.toFixed(1)} simulated seconds, trace ${trace}`);
  for (const problem of problems) console.error(`FAILED: seed ${seed}: ${problem}`);
  return problems.length === 0 ? 0 : 1;
}

async function many(first: number, count: number, options: ScenarioOptions): Promise<number> {
  const startMs = performance.now();
  let failed = 0;
  let simulated = 0;
  for (let seed = first; seed < first + count; seed++) {
    const { problems, seconds } = await simulate(seed, options);
    simulated += seconds;
    if (problems.length > 0) failed++;
    for (const problem of problems) console.error(`FAILED: seed ${seed}: ${problem}`);
  }
  const tookMs = performance.now() - startMs;
  console.log(
    `${count} seeds, ${failed} failed, ${simulated.toFixed(0)} simulated seconds in ${(tookMs / 1_000).toFixed(1)} s`,
  );
  return failed === 0 ? 0 : 1;
}
