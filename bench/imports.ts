/**
 * What the first import of the main entry costs a program, beside what `import_cost.ts` tells of other ways.
 *
 * @module
 */

import { type BenchContext, claim, type Report } from "./_report.ts";

/** What is read of a line of `import_cost.ts`. */
interface ImportCost {
  readonly what: string;
  readonly medianMs: number;
  readonly beyondBareMs: number;
  readonly files: number;
  readonly gzippedBytes: number;
}

/** How often to measure, and how often before that, to fill caches. */
interface Runs {
  readonly runs: number;
  readonly warmUp?: number;
}

/** What is used of `import_cost.ts`. */
interface ImportCostModule {
  measureImportCost(options: Runs): Promise<readonly ImportCost[]>;
}

/** What the claims are about. */
const CLAIMED = "Node: the main entry";

/** Runs it. */
export async function imports({ quick }: BenchContext): Promise<Report> {
  const notes: string[] = [];
  const costs = await measure(quick ? { runs: 1, warmUp: 0 } : { runs: 24 }).catch((error: Error) => {
    notes.push(`Importing is not available: ${error.message}`);
    return [];
  });
  const claimed = costs.find(({ what }) => what === CLAIMED);
  return {
    about: "From the start of a process to its end, in pairs with one that imports nothing.",
    rows: costs.map(({ what, medianMs, beyondBareMs, files, gzippedBytes }) => ({
      "a program that imports": what,
      "median ms": medianMs,
      "ms beyond nothing": beyondBareMs,
      files,
      "gzipped kB": gzippedBytes / 1_000,
    })),
    claims: [
      claim(
        { what: "cold import of the main entry, on Node", better: "lower", unit: " ms", must: 15, aim: 6 },
        claimed?.beyondBareMs,
      ),
      claim(
        { what: "gzipped size of what it loads", better: "lower", unit: " kB", must: 24, aim: 12 },
        claimed === undefined ? undefined : claimed.gzippedBytes / 1_000,
      ),
    ],
    notes,
  };
}

async function measure(options: Runs): Promise<readonly ImportCost[]> {
  const path: string = new URL(`./import_cost${import.meta.url.slice(-3)}`, import.meta.url).href;
  const { measureImportCost } = await import(path) as ImportCostModule;
  return await measureImportCost(options);
}
