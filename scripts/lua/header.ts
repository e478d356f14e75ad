/**
 * What the first comment of a script must tell.
 *
 * @module
 */

/** Each begins a line of the header. */
const SECTIONS = ["KEYS", "ARGV", "Returns"] as const;

/** The first sentence of the header: what the script is for. Empty without a header. */
export function purposeOf(lua: string): string {
  const [paragraph = ""] = headerOf(lua).split(/\n\s*\n/);
  return paragraph.replace(/\s+/g, " ").trim();
}

/** What is missing in the header of a script, one line each; none when it is complete. */
export function headerProblems(lua: string): string[] {
  if (!lua.startsWith("--[[")) return ["it must begin with a --[[ block comment ]]"];
  const header = headerOf(lua);
  const missing = SECTIONS.filter((section) => !new RegExp(`^\\s*${section}\\b`, "m").test(header));
  const problems = missing.map((section) => `its header must say what ${section} holds`);
  if (purposeOf(lua) === "" || SECTIONS.some((section) => purposeOf(lua).startsWith(section))) {
    problems.push("its header must begin with what the script is for");
  }
  return problems;
}

function headerOf(lua: string): string {
  return /^--\[\[(.*?)\]\]/s.exec(lua)?.[1] ?? "";
}
