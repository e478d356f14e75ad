/**
 * Connections to one of several NATS servers, while one of them hangs.
 *
 * @module
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { startNats } from "../../../scripts/nats/server.ts";
import { ownSource } from "../../../src/stores/nats/connection/source.ts";
import { readNatsPlace } from "../../../src/stores/nats/settings/settings.ts";

/** How long an attempt may take. A server that hangs costs half of it, and a machine that does other things too costs less. */
const TIMEOUT_MS = 8_000;
const MOST_MS = TIMEOUT_MS / 4;
/** So many that each of two servers gets some: they are tried in a random order. */
const CONNECTIONS = 16;

describe("ownSource()", () => {
  it("tries the server that it was connected to as the last one: it may hang", async () => {
    await using one = await startNats();
    await using other = await startNats();
    const place = readNatsPlace({ url: `nats://127.0.0.1:${one.port},127.0.0.1:${other.port}` });
    const opened = await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
      const source = ownSource(place, TIMEOUT_MS);
      const client = await source.open([]);
      return { source, client };
    }));
    const affected = opened.filter(({ client }) => (client.info as { readonly port?: number })?.port === one.port);
    assert.ok(affected.length > 0);
    one.signal("SIGSTOP");
    try {
      const tookMs = await Promise.all(affected.map(async ({ source }) => {
        const startMs = performance.now();
        const client = await source.open([]);
        const ms = performance.now() - startMs;
        await client.close();
        return ms;
      }));
      assert.ok(Math.max(...tookMs) < MOST_MS, `connecting again took ${tookMs.map(Math.round)} ms`);
    } finally {
      one.signal("SIGCONT");
    }
    await Promise.all(opened.map(({ client }) => client.close()));
  });
});
