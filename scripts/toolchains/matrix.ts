/**
 * The matrix of toolchains, tried on the packed package: runtimes, runners of tests, bundlers, versions of TypeScript.
 *
 * @module
 */

import { tool } from "../_process.ts";
import { obtainRedis } from "../redis/obtain.ts";
import { bundleCells } from "./bundles.ts";
import { type Cell, type MissingCell, tryCells } from "./cells.ts";
import { copyCells, loadCells, mistakeCells, ratesyncCells, withoutRedisCells } from "./programs.ts";
import { runnerCells } from "./runners.ts";
import { BUN, DENO, findNodes } from "./runtimes.ts";
import { typeCells } from "./types.ts";
import { openWorkshop } from "./workshop.ts";

/**
 * Tries every cell. Prints how many there are, and which cannot be tried here.
 *
 * @param part Tries only cells whose names contain this text.
 * @returns What is wrong, one entry for each cell; none when all is well.
 */
export async function toolchainProblems(part: string = ""): Promise<string[]> {
  const redis = await obtainRedis();
  try {
    using workshop = await openWorkshop(redis.url);
    const { nodes, missing } = findNodes(workshop.folder);
    const runtimes = [...nodes, DENO, BUN];
    const cells: (Cell | MissingCell)[] = [
      ...missing,
      ...loadCells(workshop, runtimes),
      ...ratesyncCells(workshop, runtimes),
      ...await copyCells(workshop, runtimes),
      ...withoutRedisCells(workshop, runtimes),
      ...mistakeCells(workshop, { name: "Node", command: [tool("node")] }),
      ...runnerCells(workshop, nodes),
      ...bundleCells(workshop),
      ...typeCells(workshop),
    ].filter(({ name }) => name.includes(part));
    if (cells.length === 0) return [`no cell has ${JSON.stringify(part)} in its name`];
    const present = cells.filter((cell): cell is Cell => "try" in cell);
    const problems = await tryCells(present);
    console.log(`       ${present.length - problems.length} of ${present.length} cells work`);
    for (const cell of cells) if ("missing" in cell) console.log(`       not tried: ${cell.name}: ${cell.missing}`);
    return problems;
  } finally {
    await redis.stop();
  }
}
