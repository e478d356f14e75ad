/**
 * The page of the dashboard as a module: bundled, minified, compressed.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { gunzipSync, gzipSync } from "node:zlib";

import { rolldown } from "rolldown";

/** The module that holds the page. */
export const PAGE_MODULE = "src/dashboard/page.gen.ts";

const FOLDER = "src/dashboard/page";

/** The packages in the page; their licences go with it. */
const PACKAGES = ["preact", "uplot"];

/** The longest line of text that the package may have is 700 characters. */
const LINE = 640;

/** The module as it should be. */
export async function currentPageModule(): Promise<string> {
  const script = `/*\n${await licences()}*/\n${await bundleScript()}`;
  const style = minifiedStyle(await read("node_modules/uplot/dist/uPlot.min.css") + await read(`${FOLDER}/page.css`));
  if (/<\/script|<!--/i.test(script)) throw new Error("the script of the page would end its own element");
  // The formatter may put space around; hashes are of all that is in the elements.
  const page = (await read(`${FOLDER}/page.html`))
    .replace(/>\s+</g, "><")
    .replace(/\s*\/\* STYLE \*\/\s*/, () => style)
    .replace(/\s*\/\* SCRIPT \*\/\s*/, () => script);
  const packed = gzipSync(page, { level: 9 });
  packed[9] = 255; // the system on which it was packed
  const lines = packed.toString("base64").match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];
  return `/**
 * The page of the dashboard. Generated from page/ by \`npm run embed\`: do not edit.
 *
 * @module
 */

// deno-fmt-ignore-file

/** The page: gzip in base64. It holds Preact and uPlot, with their licences. */
export const PAGE: string =
${lines.map((line) => `  "${line}"`).join(" +\n")};

/** The hash of its script, for the Content-Security-Policy. */
export const SCRIPT_HASH: string = "${hashOf(script)}";

/** The hash of its style sheet. */
export const STYLE_HASH: string = "${hashOf(style)}";
`;
}

/** What is wrong with the module that is there. Versions of Node pack differently, so what is packed is compared. */
export async function pageProblems(): Promise<string[]> {
  const there = await readFile(PAGE_MODULE, "utf8").catch(() => "");
  const isCurrent = unpacked(there) === unpacked(await currentPageModule());
  return isCurrent ? [] : [`${PAGE_MODULE} is not current: run npm run embed`];
}

/** A module with its page in plain text, behind it. */
function unpacked(module: string): string {
  const lines = [...module.matchAll(/^ {2}"([\w+/=]+)"/gm)].map(([, line]) => line);
  const rest = module.replace(/^ {2}"[\w+/=]+".*\n/gm, "");
  try {
    return rest + gunzipSync(Buffer.from(lines.join(""), "base64"));
  } catch {
    return rest; // it holds no page
  }
}

async function bundleScript(): Promise<string> {
  const bundle = await rolldown({
    input: `${FOLDER}/main.tsx`,
    platform: "browser",
    onLog: (_level, { message }) => {
      throw new Error(message);
    },
  });
  const { output } = await bundle.generate({ format: "es", minify: true, comments: false });
  await bundle.close();
  if (output.length !== 1) throw new Error(`the page was bundled into ${output.length} files`);
  return output[0].code.trim();
}

/** The licences of the packages: the text that they share once, below who holds the rights. */
async function licences(): Promise<string> {
  const texts = await Promise.all(PACKAGES.map((name) => read(`node_modules/${name}/LICENSE`)));
  const holders = texts.map((text, i) => `${PACKAGES[i]}: ${text.match(/^Copyright .*$/m)?.[0]}`);
  const bodies = texts.map((text) => text.slice(text.indexOf("Permission is")).replace(/\s+/g, " ").trim());
  const [body = ""] = bodies;
  if (holders.some((holder) => holder.includes("undefined")) || bodies.some((other) => other !== body)) {
    throw new Error("the licences of the packages differ: give each its own text");
  }
  return `${holders.join("\n")}\nThe MIT License. ${body}\n`;
}

/** Without comments, and without space that means nothing. No string of the style sheets holds such. */
function minifiedStyle(css: string): string {
  return css.replace(/\/\*[^]*?\*\//g, "").replace(/\s+/g, " ").replace(/ ?([{};,]) ?/g, "$1").replace(/: /g, ":")
    .trim();
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

async function read(path: string): Promise<string> {
  return await readFile(path, "utf8");
}
