/**
 * What a JUnit report counts. The three runtimes write it with small differences.
 *
 * @module
 */

/** How many tests there were, suites not counted. */
export interface TestCounts {
  /** All of them. */
  readonly tests: number;
  /** Those that failed, a line each: the name, the place, and the message. */
  readonly failures: readonly string[];
  /** Those that did not run: skipped or still to be written. */
  readonly skipped: number;
  /** The totals that Node's test runner closes with, `tests`, `pass` and so on; empty for the others. */
  readonly closing: Readonly<Record<string, number>>;
}

/** How much of a failure's message a line keeps. */
const LONGEST_MESSAGE = 300;

const TEST_CASE = /<testcase\b([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs;

/** Counts the tests of a report. */
export function countTests(xml: string): TestCounts {
  const cases = Array.from(xml.matchAll(TEST_CASE), ([, attributes = "", body = ""]) => ({
    name: /\bname="([^"]*)"/.exec(attributes)?.[1] ?? "",
    body,
    failed: /<(failure|error)\b/.test(body),
    skipped: /<skipped\b/.test(body),
  }));
  const suites = new Set(cases.flatMap(({ name }) => ancestors(name)));
  const explained = new Set(cases.filter(({ failed }) => failed).flatMap(({ name }) => ancestors(name)));
  const tests = cases.filter(({ name, failed }) => !suites.has(name) || (failed && !explained.has(name)));
  return {
    tests: tests.length,
    failures: tests.filter(({ failed }) => failed).map(describeFailure),
    skipped: tests.filter(({ skipped }) => skipped).length,
    closing: Object.fromEntries(
      Array.from(xml.matchAll(/<!-- (\w+) ([\d.]+) -->/g), ([, name = "", value]) => [name, Number(value)]),
    ),
  };
}

/** Deno lists a suite as a test of its own, and its tests as `suite > test`. One that failed by itself counts. */
function ancestors(name: string): string[] {
  const parts = name.split(" &gt; ");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join(" &gt; "));
}

function describeFailure({ name, body }: { readonly name: string; readonly body: string }): string {
  const text = unescape(body);
  const place = /\btests\/[\w./-]+:\d+/.exec(text)?.[0];
  const message = unescape(/\bmessage="([^"]*)"/.exec(body)?.[1] ?? "").replace(/\s+/g, " ").trim();
  return `${unescape(name)}${place ? ` (${place})` : ""}: ${message.slice(0, LONGEST_MESSAGE)}`;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescape(xml: string): string {
  return xml.replace(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, name?: string) => {
    return code ? String.fromCodePoint(Number(code)) : ENTITIES[name ?? ""] ?? whole;
  });
}
