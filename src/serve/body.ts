/**
 * The bytes of a body, with a limit on their number and on the time they take.
 *
 * @module
 */

import type { IncomingMessage } from "node:http";

import { joinBytes } from "../base/join_bytes.ts";
import type { ServeSettings } from "./options.ts";
import { Problem } from "./problem.ts";

/**
 * Reads a body.
 *
 * @throws {Problem} If it is too large or comes too slowly.
 */
export function readBody(
  request: IncomingMessage,
  { maxBodyBytes, bodyTimeoutMs, clock }: Pick<ServeSettings, "maxBodyBytes" | "bodyTimeoutMs" | "clock">,
): Promise<Uint8Array> {
  const tooLarge = new Problem("BODY_TOO_LARGE", `The body is larger than ${maxBodyBytes} bytes`, {
    most: maxBodyBytes,
  });
  if (Number(request.headers["content-length"]) > maxBodyBytes) return Promise.reject(tooLarge);
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    const end = (act: () => void) => {
      timer.cancel();
      request.off("data", take);
      act();
    };
    const fail = (problem: Problem) => end(() => reject(problem));
    const take = (chunk: Uint8Array) => {
      size += chunk.byteLength;
      if (size > maxBodyBytes) fail(tooLarge);
      else chunks.push(chunk);
    };
    const timer = clock.schedule(
      clock.nowUs() + bodyTimeoutMs * 1_000,
      () => fail(new Problem("BODY_TIMEOUT", `The body did not come within ${bodyTimeoutMs} ms`)),
      { background: true },
    );
    request.on("data", take);
    request.once("end", () => end(() => resolve(joinBytes(chunks))));
    // The client left: the answer cannot be delivered.
    const broken = () => fail(new Problem("BODY_INVALID", "The connection ended before the body"));
    request.once("error", broken);
    request.once("close", broken);
  });
}
