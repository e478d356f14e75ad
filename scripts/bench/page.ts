/**
 * BENCHMARKS.md, its plots, and the tables of docs/capacity.md, from the files in bench/results/.
 *
 * @module
 */

import { readdir, readFile } from "node:fs/promises";

import { BENCHES, claimsText, type Report, reportText, yardsticksText } from "../../bench/mod.ts";
import { capacitySections } from "./capacity.ts";
import { GROWTH_PLOTS, plotGrowth } from "../plots/growth.ts";

/** What the file of a bench holds. */
export interface Result extends Report {
  /** The bench's name. */
  readonly name: string;
  /** Where it ran: the runtime, the server, the machine, and the packages beside this one. */
  readonly ran: Readonly<Record<string, string>>;
}

const PAGE = "BENCHMARKS.md";
const CAPACITY = "docs/capacity.md";
const RESULTS = "bench/results";

/** Every file that is made of the results, by its path. */
export async function drawPage(): Promise<Record<string, string>> {
  const results = await readResults();
  const plots = GROWTH_PLOTS.map((plot): [string, string] => {
    const { rows, about, ran } = results.get(plot.bench) as Result;
    return [`docs/images/${plot.bench}.svg`, plotGrowth(plot, rows, `${firstSentence(about)} ${ran["runtime"]}`)];
  });
  const sections = new Map([...sectionsOf([...results.values()]), ...capacitySections(results)]);
  return {
    [PAGE]: await fill(PAGE, sections),
    [CAPACITY]: await fill(CAPACITY, sections),
    ...Object.fromEntries(plots),
  };
}

/** The text of a page, with what stands between its marks. */
async function fill(page: string, sections: ReadonlyMap<string, string>): Promise<string> {
  return (await readFile(page, "utf8")).replace(
    /(<!-- (\S+) -->\n).*?(<!-- end -->)/gs,
    (_, begin: string, name: string, end: string) => {
      const section = sections.get(name);
      if (section === undefined) throw new Error(`Cannot fill ${page}: there is no result for ${name}`);
      return `${begin}\n${section}\n\n${end}`;
    },
  );
}

/** The files that are not what the results say, and the results that no page shows, one line each. */
export async function pageProblems(): Promise<string[]> {
  const files = await drawPage();
  const problems: string[] = [];
  for (const [path, text] of Object.entries(files)) {
    const written = await readFile(path, "utf8").catch(() => undefined);
    if (written !== text) problems.push(`${path} is not what ${RESULTS}/ says: run scripts/benchmarks.ts`);
  }
  for (const name of (await readResults()).keys()) {
    if (!files[PAGE]?.includes(`<!-- ${name} -->`)) problems.push(`${PAGE} does not show ${name}`);
  }
  return problems;
}

function firstSentence(text: string): string {
  return /^.*?\.(?= |$)/.exec(text)?.[0] ?? text;
}

/** What was measured on Node, by the benches' names. */
async function readResults(): Promise<Map<string, Result>> {
  const there = await readdir(RESULTS);
  const files = Object.keys(BENCHES).map((name) => `${name}-node.json`).filter((file) => there.includes(file));
  const results = await Promise.all(files.map(async (file): Promise<Result> => {
    return JSON.parse(await readFile(`${RESULTS}/${file}`, "utf8"));
  }));
  return new Map(results.map((result) => [result.name, result]));
}

/** What stands between the marks of the page, by their names. */
function sectionsOf(results: readonly Result[]): Map<string, string> {
  const ran = Object.assign({}, ...results.map((result) => result.ran)) as Record<string, string>;
  return new Map([
    ["claims", claimsText(results.flatMap(({ claims }) => claims))],
    ["yardsticks", yardsticksText(results.flatMap(({ claims }) => claims))],
    ["ran", Object.entries(ran).map(([what, version]) => `- ${what}: ${version}`).join("\n")],
    ...results.map((result): [string, string] => [result.name, reportText({ ...result, claims: [] })]),
  ]);
}
