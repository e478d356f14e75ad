/**
 * One process of the soak of PostgreSQL. Its arguments are a load, as JSON, and where to write the units that it was allowed.
 * It sends its parent what is left in its heap, every ten seconds, and a `WorkerResult` at the end.
 *
 * @module
 */

import process from "node:process";

import { UnitsFile } from "../soak/units_file.ts";
import { type Load, runLoad } from "./load.ts";
import type { WorkerResult, WorkerSample } from "./processes.ts";

const SAMPLE_MS = 10_000;

const [json = "", file = ""] = process.argv.slice(2);
process.once("disconnect", () => process.exit()); // also where the command was interrupted
const units = new UnitsFile(file);
const timer = setInterval(() => {
  units.flush();
  (globalThis as { gc?: () => void }).gc?.();
  process.send?.({ kind: "sample", heapMb: process.memoryUsage().heapUsed / 1e6 } satisfies WorkerSample);
}, SAMPLE_MS);
const result = await runLoad(JSON.parse(json) as Load, (key, us) => units.add(key, us));
clearInterval(timer);
process.send?.({ kind: "result", ...result, keys: units.close() } satisfies WorkerResult, () => process.disconnect());
