import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";

import { defaultOf } from "../../scripts/docs/reference/fields.ts";
import { readEntries } from "../../scripts/docs/reference/reference.ts";
import { readManifests } from "../../scripts/package/manifests.ts";
import type { OptionRow, OptionTable } from "../../src/base/option_table.ts";
import { listWords } from "../../src/base/text.ts";
import { LIMITER_OPTIONS } from "../../src/policy/option_table.ts";
import { keysOf } from "../../src/registry/config/toml_names.ts";
import { ENGINES, optionsOf } from "../../src/registry/engines.ts";

/** A row of a table: the key, what it may be, and its default. */
type Line = readonly [key: string, type: string, fallback: string];

const page = await readFile("docs/configuration.md", "utf8");
const symbols = (await readEntries((await readManifests()).deno)).flatMap((entry) => entry.symbols);

/** The rows of the first table behind a text. A row of several keys counts for each of them. */
function linesBehind(text: string): Line[] {
  const [, table = ""] = page.slice(page.indexOf(text)).split(/\n\n(?=\| key )/);
  const rows = table.split("\n\n")[0]?.split("\n").slice(2) ?? [];
  return rows.flatMap((row) => {
    const [, keys = "", type = "", fallback = ""] = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
    return [...keys.matchAll(/`(\w+)`/g)].map(([, key = ""]): Line => [key, type, fallback]);
  });
}

/** How the page names the type of an option. */
function typeOf({ type, whole, min }: OptionRow): RegExp | string {
  switch (type) {
    case "text":
      return /^(?:string|id of a store)/;
    case "texts":
      return /^array of (?!tables)/;
    case "tables":
      return /^array of tables/;
    case "file":
      return "path";
    case "boolean":
      return "boolean";
    case "duration":
      return /^\[duration\]/;
    case "number":
      return new RegExp(`^${whole ? "whole " : ""}number (?:from ${min ?? "[01]"}|above 0)`);
    default:
      return listWords(type ?? []);
  }
}

/**
 * The default in the doc comments of an option, as TOML writes it; undefined where that is no value. Interfaces of other
 * engines may have another default.
 */
function literalOf(name: string, { type }: OptionRow, owner: RegExp): string | undefined {
  const membersOf = (some: typeof symbols) =>
    some.flatMap((symbol) => symbol.declarations[0]?.def.properties ?? []).filter((member) => member.name === name);
  const own = membersOf(symbols.filter((symbol) => owner.test(symbol.name)));
  const defaults = (own.length > 0 ? own : membersOf(symbols)).map(defaultOf);
  const [, value] = /^`(true|false|".*"|[\d_]+)`$/.exec(defaults.find((text) => text.startsWith("`")) ?? "") ?? [];
  if (value === undefined || value.startsWith('"')) return value;
  const number = value.replaceAll("_", "");
  return type === "duration" ? String(Number(number) / 1_000) : number;
}

type Table = readonly [behind: string, table: OptionTable, others: readonly string[], owner: RegExp];

const TABLES: readonly Table[] = [
  ["## Stores", optionsOf(ENGINES.memory), ["engine"], /^Memory/],
  ["\nRedis:", optionsOf(ENGINES.redis), [], /^Redis/],
  ["\nPostgreSQL:", optionsOf(ENGINES.postgres), [], /^Postgres/],
  ["\nNATS:", optionsOf(ENGINES.nats), [], /^Nats/],
  ["## Limiters", LIMITER_OPTIONS, [], /^Limiter/],
];

describe("docs/configuration.md", () => {
  let defaults = 0;
  for (const [behind, table, others, owner] of TABLES) {
    const lines = linesBehind(behind);
    const rows = Object.entries(table).flatMap(([name, row]) =>
      keysOf(name, row).map((key) => [key, name, row] as const)
    );

    it(`lists the options that the code takes, behind ${behind.trim()}`, () => {
      assert.deepEqual(lines.map(([key]) => key).sort(), [...others, ...rows.map(([key]) => key)].sort());
    });

    for (const [key, name, row] of rows) {
      const [, type = "", fallback = ""] = lines.find(([each]) => each === key) ?? [];
      if (type === "as of limiters") continue;
      it(`says what ${key} may be, behind ${behind.trim()}`, () => {
        const expected = typeOf(row);
        if (typeof expected === "string") assert.equal(type.replaceAll("`", ""), expected);
        else assert.match(type, expected);
        const literal = literalOf(name, row, owner);
        if (literal === undefined) return;
        defaults++;
        assert.ok(fallback.startsWith(`\`${literal}\``), `${fallback} does not begin with ${literal}`);
      });
    }
  }
  it("tells the defaults of most options", () => assert.ok(defaults > 15, `only ${defaults} were compared`));
});
