/**
 * The body of a request, read for a key without taking it from the handler.
 *
 * @module
 */

import { joinBytes } from "../base/join_bytes.ts";

/** The bytes of a body of fetch: of a copy, so that the handler has the whole. */
export async function readRequestBody(request: Request, maxBytes: number): Promise<Uint8Array | undefined> {
  if (request.bodyUsed || Number(request.headers.get("content-length")) > maxBytes) return undefined;
  const reader = request.clone().body?.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
    size += part.value.byteLength;
    if (size > maxBytes) {
      void reader?.cancel().catch(() => {});
      return undefined;
    }
    chunks.push(part.value);
  }
  return size === 0 ? undefined : joinBytes(chunks);
}
