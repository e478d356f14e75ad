/**
 * What a process calls itself in reports.
 *
 * @module
 */

import { nodeModule } from "../../base/node_module.ts";

/** The parts of Node, Bun and Deno that tell who and what they are. */
interface Runtime {
  readonly process?: { readonly pid?: number; readonly versions?: Readonly<Record<string, string | undefined>> };
  readonly Deno?: {
    hostname?(): string;
    readonly permissions?: { querySync?(permission: object): { readonly state: string } };
  };
}

/** Host and process id, as far as the runtime tells them without asking its user: `web-1:4711`. */
export async function processLabel(): Promise<string> {
  const { process } = globalThis as Runtime;
  const host = await hostName();
  const pid = process?.pid === undefined ? "" : String(process.pid);
  return [host, pid].filter((part) => part !== "").join(":") || "a process";
}

async function hostName(): Promise<string> {
  const { Deno } = globalThis as Runtime;
  try {
    if (Deno !== undefined) {
      // Asked without the right, Deno would prompt on the terminal of the application.
      const right = Deno.permissions?.querySync?.({ name: "sys", kind: "hostname" });
      return right?.state === "granted" ? Deno.hostname?.() ?? "" : "";
    }
    const os = await nodeModule<{ hostname(): string }>("node:os", () => import("node:os"));
    return os.hostname();
  } catch {
    return "";
  }
}

/** The runtime with its version. */
export function runtimeName(): string {
  const { versions = {} } = (globalThis as Runtime).process ?? {};
  for (const name of ["bun", "deno", "node"]) {
    if (versions[name] !== undefined) return `${name} ${versions[name]}`;
  }
  return "";
}
