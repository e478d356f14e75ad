/**
 * Scripts with short names and without needless spaces: Redis reads them sooner, and the package stays small.
 *
 * A name is replaced by the same short one wherever it stands, as a variable or as a field. So scripts stay what they are.
 * A name that is also the whole of a string stays: a field may be read by it. So a field that is read by what a script is
 * told is written as a string: `{ ["KEY"] = 1 }`.
 *
 * @module
 */

/** A string, a word, a number, a comment at the end of a line, a gap, or a sign. */
const TOKEN =
  /"(?:[^"\\]|\\.)*"|\[\[.*?\]\]|'(?:[^'\\]|\\.)*'|[A-Za-z_]\w*|0[xX][\da-fA-F]+|\d[\d.]*(?:[eE][+-]?\d+)?|--.*|\s+|\.{2,3}|[=~<>]=|./g;

const WORD = /^[A-Za-z_]/;

/** Words of Lua, and what Redis gives to scripts and finds in their replies; `call`, so that one can see what is called. */
const RESERVED: ReadonlySet<string> = new Set(
  `and break do else elseif end false for function if in local nil not or repeat return then true until while
  KEYS ARGV redis string math table struct cjson bit error ipairs pairs next select tonumber tostring type unpack pcall
  err ok call`.split(/\s+/),
);

/** What stands behind one of these, with a dot, is a name of the library. */
const LIBRARIES: ReadonlySet<string> = new Set(["redis", "string", "math", "table", "struct", "cjson", "bit"]);

/** A string that is compared with a type, and names no field. */
const TYPE = "number";

/** Names up to this length stay: the letters of requests and algorithms are among them. */
const SHORT = 2;

/**
 * Makes the function that shortens scripts, and pieces of their lines.
 *
 * @param texts All that it will be asked to shorten: a name that is used often becomes one letter.
 */
export function shortener(texts: readonly string[]): (lua: string) => string {
  const names = shortNames(texts.map(tokensOf));
  return (lua) => lua.split("\n").map((line) => joined(tokensOf(line).map(nameIn(names)))).join("\n");
}

function tokensOf(lua: string): string[] {
  return (lua.match(TOKEN) ?? []).filter((token) => token.trim() !== "" && !token.startsWith("--"));
}

/** What a token becomes. */
function nameIn(names: ReadonlyMap<string, string>): (token: string, place: number, tokens: string[]) => string {
  return (token, place, tokens) => isOfLibrary(tokens, place) ? token : names.get(token) ?? token;
}

/** Whether a token is a name of a library: behind its name, or of a method of a string. */
function isOfLibrary(tokens: readonly string[], place: number): boolean {
  const before = tokens[place - 1];
  return before === ":" || (before === "." && LIBRARIES.has(tokens[place - 2] ?? ""));
}

/** A space is needed only between two words or numbers, and where two signs would become another one. */
function joined(tokens: readonly string[]): string {
  let text = "";
  for (const token of tokens) {
    const meet = text.slice(-1) + token[0];
    const apart = /\w\w|\d\.|\.[\d.]|--/.test(meet) || (meet === "[[");
    text += apart && text !== "" ? ` ${token}` : token;
  }
  return text;
}

function shortNames(texts: readonly (readonly string[])[]): ReadonlyMap<string, string> {
  const kept = new Set(RESERVED);
  const saved = new Map<string, number>();
  for (const tokens of texts) {
    for (const [i, token] of tokens.entries()) {
      const text = /^["'](\w+)["']$/.exec(token)?.[1];
      if (text !== undefined && text !== TYPE) kept.add(text);
      if (!WORD.test(token)) continue;
      if (isOfLibrary(tokens, i)) continue;
      if (token.length <= SHORT) kept.add(token);
      saved.set(token, (saved.get(token) ?? 0) + token.length);
    }
  }
  const long = [...saved].filter(([name]) => !kept.has(name))
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const free = freeNames(kept);
  return new Map(long.map(([name]) => [name, free.next().value as string]));
}

/** `a` to `Z`, then `aa`, `ab` and so on, but for what is in use. */
function* freeNames(used: ReadonlySet<string>): Generator<string, never> {
  const letters = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
  for (let names = letters;; names = names.flatMap((name) => letters.map((letter) => name + letter))) {
    yield* names.filter((name) => !used.has(name));
  }
}
