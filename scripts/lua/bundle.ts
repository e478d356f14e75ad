/**
 * One Lua script out of several files, as Redis gets it.
 *
 * @module
 */

/** Gives the text of a file of the folder by its name without ending. */
export type ReadLua = (name: string) => string;

const INCLUDE = /^\s*---\s*@(include|inline)\s+(\S+)\s*$/;

/**
 * The script `name` with every `--- @include other` replaced by that file, each file once, where it comes first, and
 * every `--- @inline other` as well, at each place; without comments, blank lines and indentation.
 */
export function bundleLua(name: string, read: ReadLua): string {
  return partsOf(name, read).join("\n");
}

/**
 * The same script in parts: the lines of one file between two includes are one part, whether or not what is included there
 * stands in the script before, so that scripts share it. Parts are joined by line breaks.
 */
export function partsOf(name: string, read: ReadLua): string[] {
  const seen = new Set<string>();

  function resolve(file: string): Line[] {
    if (seen.has(file)) return [];
    seen.add(file);
    let section = 0;
    return codeLines(read(file), file).flatMap((text) => {
      const [, how, part] = INCLUDE.exec(text) ?? [];
      const place = `${file} ${section}`;
      if (part === undefined) return [{ place, text }];
      if (how === "inline") return inlined(part, read).map((line) => ({ place, text: line }));
      section++;
      return resolve(part);
    });
  }

  const parts: Line[][] = [];
  for (const line of resolve(name)) {
    const last = parts.at(-1);
    if (last?.[0]?.place === line.place) last.push(line);
    else parts.push([line]);
  }
  return parts.map((lines) => lines.map(({ text }) => text).join("\n"));
}

/**
 * The lines of a file that is inlined, with those of the files that it inlines.
 *
 * @throws {Error} If it includes one: that would stand at the first place only.
 */
function inlined(file: string, read: ReadLua): string[] {
  return codeLines(read(file), file).flatMap((text) => {
    const [, how, part] = INCLUDE.exec(text) ?? [];
    if (part === undefined) return [text];
    if (how === "include") throw new Error(`Cannot embed ${file}.lua: it is inlined, and includes ${part}`);
    return inlined(part, read);
  });
}

/** A line of a script, and the file and section that it belongs to. */
interface Line {
  readonly place: string;
  readonly text: string;
}

/**
 * The lines of `lua` that do something, and its includes. Only whole lines go: what a line holds stays as it is.
 *
 * @throws {Error} If a string goes over several lines, where dropping lines and indentation would change it.
 */
function codeLines(lua: string, file: string): string[] {
  const lines: string[] = [];
  let closing: string | undefined; // of the block comment that is open

  for (const line of lua.split("\n").map((raw) => raw.trim())) {
    if (closing !== undefined) {
      if (line.includes(closing)) closing = undefined;
      continue;
    }
    const block = /^--\[(=*)\[/.exec(line);
    if (block) {
      const end = `]${block[1]}]`;
      if (!line.includes(end)) closing = end;
    } else if (INCLUDE.test(line)) {
      lines.push(line);
    } else if (line !== "" && !line.startsWith("--")) {
      if (/\[(=*)\[(?!.*\]\1\])/.test(line) || line.endsWith("\\")) {
        throw new Error(`Cannot embed ${file}.lua: a string must end on the line where it begins, received ${line}`);
      }
      lines.push(line);
    }
  }
  return lines;
}
