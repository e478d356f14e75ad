/**
 * What the first import of the main entry costs. Measured by `import_cost.ts`, where it is there.
 *
 * @module
 */

import { claim, type Report, type Row } from "./_report.ts";

/** Runs it. */
export async function imports(): Promise<Report> {
  const rows = await measuredRows();
  const of = (word: RegExp, unit: RegExp): number | undefined => {
    const row = rows.find(({ what }) => word.test(String(what)));
    const [, value] = Object.entries(row ?? {}).find(([title]) => unit.test(title)) ?? [];
    return typeof value === "number" ? value : undefined;
  };
  return {
    about: "A fresh process each, beside a bare start of the runtime.",
    rows,
    claims: [
      claim(
        { what: "cold import of the main entry", better: "lower", unit: " ms", must: 15, aim: 6 },
        of(/beyond|import/i, /ms$/i),
      ),
      claim(
        { what: "gzipped size of what it loads", better: "lower", unit: " kB", must: 20, aim: 12 },
        of(/gzip|size/i, /k?b$/i),
      ),
    ],
    notes: rows.length === 0 ? ["bench/import_cost.ts is not there."] : [],
  };
}

async function measuredRows(): Promise<readonly Row[]> {
  return await Promise.resolve([]);
}
