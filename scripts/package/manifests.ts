/**
 * The three manifests must tell the same: package.json for npm, deno.json for Deno, jsr.json for JSR.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";

import { VERSION } from "../../src/base/version.ts";

/** The entry of deno.json and jsr.json that runs the program. npm has a `bin` for it. */
export const PROGRAM = "./cli";

/** What is read of the manifests and of the changelog. */
export interface Manifests {
  /** package.json, whose exports point into dist/. */
  readonly npm: Manifest<Conditions> & {
    /** The main entry, for tools that read no `exports`. */
    readonly main: string;
    /** Its declarations, likewise. */
    readonly types: string;
    /** The declarations of the other entries, likewise. */
    readonly typesVersions: unknown;
    /** Programs by name: CommonJS files. */
    readonly bin: Readonly<Record<string, string>>;
    /** What npm installs with the package: ranges by name. */
    readonly dependencies: Readonly<Record<string, string>>;
    /** What npm installs with it, and users may leave out. */
    readonly optionalDependencies: Readonly<Record<string, string>>;
    /** What users install for entries that need it. */
    readonly peerDependencies: Readonly<Record<string, string>>;
  };
  /** deno.json, whose exports point at the source. */
  readonly deno: Manifest<string> & {
    /** The same dependencies: `npm:` specifiers by name. */
    readonly imports: Readonly<Record<string, string>>;
  };
  /** jsr.json, likewise. */
  readonly jsr: Manifest<string>;
  /** The text of CHANGELOG.md. */
  readonly changelog: string;
}

/** What `import` and `require` find under an entry. */
export type Conditions = Readonly<Record<"import" | "require", { readonly types: string; readonly default: string }>>;

/** The part of a manifest that others repeat. */
export interface Manifest<Target> {
  /** The name of the package. */
  readonly name: string;
  /** Its version. */
  readonly version: string;
  /** Its license. */
  readonly license: string;
  /** What each entry point leads to. */
  readonly exports: Readonly<Record<string, Target>>;
  /** What goes to JSR; deno.json and jsr.json only. */
  readonly publish?: unknown;
}

/** Reads the manifests in the current folder. */
export async function readManifests(): Promise<Manifests> {
  const [npm, deno, jsr, changelog] = await Promise.all(
    ["package.json", "deno.json", "jsr.json", "CHANGELOG.md"].map((file) => readFile(file, "utf8")),
  ) as [string, string, string, string];
  return { npm: JSON.parse(npm), deno: JSON.parse(deno), jsr: JSON.parse(jsr), changelog };
}

/** Where the manifests disagree, one line each; none when they agree. */
export function manifestProblems({ npm, deno, jsr, changelog }: Manifests): string[] {
  const problems: string[] = [];
  const expectSame = (what: string, received: unknown, expected: unknown) => {
    if (!isDeepStrictEqual(received, expected)) {
      problems.push(`${what} must be ${JSON.stringify(expected)}, received ${JSON.stringify(received)}`);
    }
  };

  for (const field of ["name", "version", "license", "exports", "publish"] as const) {
    expectSame(`jsr.json: ${field}`, jsr[field], deno[field]);
  }
  for (const field of ["name", "version", "license"] as const) {
    expectSame(`package.json: ${field}`, npm[field], deno[field]);
  }
  const { [PROGRAM]: program, ...libraries } = deno.exports;
  expectSame(`deno.json: ${PROGRAM}`, program, "./src/cli/bin.ts");
  expectSame("package.json: bin", npm.bin, { ratesync: "./dist/bundle/program/ratesync.cjs" });
  const exports = builtExports(libraries);
  expectSame("src/base/version.ts: VERSION", VERSION, deno.version);
  const { ".": main, ...others } = exports;
  const typesVersions = Object.entries(others).map(([entry, { require }]) => [entry.slice(2), [require.types]]);
  expectSame("package.json: exports", npm.exports, exports);
  expectSame("package.json: main", npm.main, main?.require.default);
  expectSame("package.json: types", npm.types, main?.require.types);
  expectSame("package.json: typesVersions", npm.typesVersions, { "*": Object.fromEntries(typesVersions) });
  const installed = { ...npm.dependencies, ...npm.optionalDependencies, ...npm.peerDependencies };
  const dependencies = Object.entries(installed).map(([name, range]) => [name, `npm:${name}@${range}`]);
  expectSame("deno.json: imports", deno.imports, Object.fromEntries(dependencies));
  const release = /^## \[?(\d[^\s\]]*)/m.exec(changelog)?.[1];
  expectSame("CHANGELOG.md: the version of the first release", release, deno.version);
  return problems;
}

/** What the build makes of the sources that `exports` names. */
function builtExports(exports: Manifest<string>["exports"]): Manifests["npm"]["exports"] {
  return Object.fromEntries(
    Object.entries(exports).map(([entry, source]) => {
      const types = source.replace("./", "./dist/types/").replace(/\.ts$/, "");
      const file = `./dist/bundle/${entry === "." ? "mod" : entry.slice("./".length)}`;
      return [entry, {
        import: { types: `${types}.d.ts`, default: `${file}.js` },
        require: { types: `${types}.d.cts`, default: `${file}.cjs` },
      }];
    }),
  );
}
