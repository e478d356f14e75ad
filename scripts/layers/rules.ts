/**
 * Which folder of src/ may import which: imports point one way, and never sideways.
 *
 * @module
 */

import { dirname } from "node:path/posix";

/** A layer sees those in the rows before its own, and nothing else. */
const ROWS: readonly (readonly string[])[] = [
  ["base"],
  ["algorithms"],
  ["policy"],
  ["stores"],
  ["decision", "resilience", "shortcut"],
  ["observe", "waiting"],
  ["limiter"],
  ["registry"],
  ["http", "telemetry", "fleet"],
  ["doctor", "serve", "simulate"],
  ["dashboard"],
  ["mod.ts"],
  ["cli"],
];

/** Layers whose folders do not know each other. */
const APART: readonly string[] = ["stores", "http", "telemetry"];

/** Folders of those that are made of another one. */
const MADE_OF: readonly (readonly [string, string])[] = [
  ["stores/log", "stores/memory"],
  ["stores/nats", "stores/log"],
  ["stores/postgres", "stores/memory"],
];

/** `testing` stands beside the row it must not see, and nothing sees it. */
const TESTING = { name: "testing", row: rowOf("http") };

/** Why the file `from` must not import the file `to`, both as paths from the root; `undefined` when it may. */
export function importProblem(from: string, to: string): string | undefined {
  const [source, target] = [placeOf(from), placeOf(to)];
  const privateFolder = /\/_[^/]*$/.test(to) ? dirname(to) : undefined;
  if (privateFolder && !from.startsWith(`${privateFolder}/`)) return `${to} is private to ${privateFolder}/`;

  if (source.layer === target.layer) {
    const sideways = APART.includes(source.layer) && source.folder && target.folder && source.folder !== target.folder;
    const [above, below] = [`${source.layer}/${source.folder}`, `${target.layer}/${target.folder}`];
    if (MADE_OF.some(([one, other]) => one === above && other === below)) return undefined;
    return sideways ? `${above} must not know ${below}` : undefined;
  }
  if (target.row === undefined) return `${target.layer} is no layer that others may import`;
  const ceiling = source.layer === TESTING.name ? TESTING.row : source.row;
  if (ceiling === undefined) return `${source.layer} is no layer: see scripts/layers/rules.ts`;
  return target.row < ceiling ? undefined : `${source.layer} must not import ${target.layer}`;
}

interface Place {
  readonly layer: string;
  /** The folder inside the layer, if the file is in one. */
  readonly folder: string | undefined;
  readonly row: number | undefined;
}

function placeOf(path: string): Place {
  const [layer = "", ...rest] = path.replace(/^src\//, "").split("/");
  return { layer, folder: rest.length > 1 ? rest[0] : undefined, row: rowOf(layer) };
}

function rowOf(layer: string): number | undefined {
  const row = ROWS.findIndex((names) => names.includes(layer));
  return row === -1 ? undefined : row;
}
