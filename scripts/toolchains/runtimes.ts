/**
 * The runtimes of the matrix. Versions of Node come from npm, as packages of tests/toolchains/.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

import { tool } from "../_process.ts";
import type { MissingCell } from "./cells.ts";

/** A runtime that this machine has. */
export interface Runtime {
  /** Its name, with its version: `Node 22`. */
  readonly name: string;
  /** The program, and its arguments before a file. */
  readonly command: readonly string[];
}

/** The versions of Node: the lowest that the package supports, and those that are maintained. */
const NODES = ["20.0", "20", "22", "24"];

/** The versions of Node that this machine has, and those that it has not. */
export function findNodes(folder: string): { nodes: Runtime[]; missing: MissingCell[] } {
  const nodes: Runtime[] = [];
  const missing: MissingCell[] = [];
  for (const version of NODES) {
    const name = `Node ${version}`;
    const isCurrent = process.versions.node.startsWith(`${version}.`);
    const packed = join(folder, `node_modules/node-${version}-${process.platform}-${process.arch}/bin/node`);
    if (isCurrent) nodes.push({ name, command: [tool("node")] });
    else if (existsSync(packed)) nodes.push({ name, command: [packed] });
    else missing.push({ name, missing: `npm has no package of it for ${process.platform}-${process.arch}` });
  }
  return { nodes, missing };
}

/** Deno and Bun, as the repository has them installed. */
export const DENO: Runtime = { name: "Deno", command: [tool("deno"), "run", "--allow-all", "--no-check"] };
export const BUN: Runtime = { name: "Bun", command: [tool("bun")] };
