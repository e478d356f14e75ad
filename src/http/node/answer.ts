/**
 * The end of an answer of `node:http`.
 *
 * @module
 */

import type { Admission } from "../admission.ts";
import type { NodeResponse } from "./messages.ts";

/** Finishes an admission when its answer has been sent or the client has left. */
export function finishWith(response: NodeResponse, admission: Admission): void {
  const sent = countBytes(response);
  const finish = () => {
    const aborted = !response.writableFinished;
    void admission.finish({ status: aborted ? undefined : response.statusCode, bytes: sent(), aborted });
  };
  if (response.destroyed) return finish();
  response.once("finish", finish);
  response.once("close", finish);
}

/** Counts the bytes of body that are written from now on. */
function countBytes(response: NodeResponse): () => number {
  let bytes = 0;
  for (const name of ["write", "end"] as const) {
    const send = response[name] as (...args: unknown[]) => never;
    response[name] = function (this: unknown, ...args: unknown[]): never {
      const [chunk, encoding] = args;
      if (typeof chunk === "string") bytes += byteLength(chunk, encoding);
      else if (chunk instanceof Uint8Array) bytes += chunk.byteLength;
      return send.apply(this, args);
    };
  }
  return () => bytes;
}

function byteLength(text: string, encoding: unknown): number {
  switch (encoding) {
    case "latin1":
    case "binary":
    case "ascii":
      return text.length;
    case "hex":
      return text.length >> 1;
    default:
      return encoder.encode(text).byteLength;
  }
}

const encoder = new TextEncoder();

/** Aborted when an answer has been sent or the client has left. */
export function signalOf(response: NodeResponse): AbortSignal {
  const controller = new AbortController();
  if (response.destroyed) controller.abort();
  else response.once("close", () => controller.abort());
  return controller.signal;
}
