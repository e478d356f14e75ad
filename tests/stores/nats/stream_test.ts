import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRateSync, StoreError } from "../../../mod.ts";
import { freePort } from "../../../scripts/_free_port.ts";
import { type NatsServer, startNats } from "../../../scripts/nats/server.ts";
import type { NatsStream } from "../../../src/stores/nats/nats_stream.ts";
import { until } from "../redis/_servers.ts";
import { bytes, chunksOf, freshStreamPrefix, hear, joined, streamWith, text } from "./_nats.ts";

describe("NatsStream", () => {
  let server: NatsServer;
  let stream: NatsStream;
  let other: NatsStream;

  before(async () => {
    server = await startNats();
  });
  after(() => server[Symbol.asyncDispose]());

  /** Two streams of two processes, as it were. */
  async function withStreams(act: (streamPrefix: string) => Promise<void>): Promise<void> {
    const streamPrefix = freshStreamPrefix();
    [stream, other] = [1, 2].map(() => streamWith({ url: server.url, streamPrefix })) as [NatsStream, NatsStream];
    await Promise.all([stream.connect(), other.connect()]);
    await stream.state("main");
    try {
      await act(streamPrefix);
    } finally {
      await Promise.all([stream.close(), other.close()]);
    }
  }

  it("gives each reader all messages in one order, with the server's time", () =>
    withStreams(async () => {
      const heard = await Promise.all([hear(stream), hear(other)]);
      const sent = Array.from({ length: 50 }, (_, i) =>
        [stream, other].map((one) => one.publish("main", `${i}${one === stream}`, bytes(`${i}`))));
      const places = await Promise.all(sent.flat());
      assert.deepEqual(
        places.toSorted((a, b) =>
          a - b
        ),
        Array.from({ length: 100 }, (_, i) => i + 1),
      );
      await until(() => heard.every(({ messages }) => messages.length === 100));
      const [first, second] = heard.map(({ messages }) =>
        messages.map(({ sequence, stampUs, data }) => [sequence, stampUs, text(data)])
      );
      assert.deepEqual(first, second);
      assert.deepEqual(first?.map(([sequence]) => sequence), Array.from({ length: 100 }, (_, i) => i + 1));
      const off = Math.abs(Number(first?.[0]?.[1]) / 1_000 - Date.now());
      assert.ok(off < 10_000, `${off} ms from the time of this machine, which runs the server`);
      heard.forEach(({ close }) => close());
    }));

  it("appends a message once that is published again under its id, and tells the place of the first", () =>
    withStreams(async () => {
      assert.equal(await stream.publish("main", "a", bytes("1")), 1);
      assert.equal(await stream.publish("main", "b", bytes("2")), 2);
      assert.equal(await stream.publish("main", "a", bytes("1")), 1);
      assert.equal((await stream.state("main")).last, 2);
    }));

  it("reads from a sequence on, and begins with the first that is kept", () =>
    withStreams(async () => {
      for (let i = 1; i <= 6; i++) await stream.publish("main", `${i}`, bytes(`${i}`));
      const late = await hear(other, 4);
      await until(() => late.messages.length === 3);
      await stream.cut("main", 5);
      assert.deepEqual([(await stream.state("main")).first, (await stream.state("main")).last], [5, 6]);
      const cut = await hear(other, 2);
      await until(() => cut.messages.length === 2);
      assert.deepEqual(cut.messages.map(({ sequence }) => sequence), [5, 6]);
      late.close();
      cut.close();
    }));

  it("loads the newest snapshot of which all pieces are stored", () =>
    withStreams(async (streamPrefix) => {
      assert.equal(await stream.loadSnapshot("main"), undefined);
      await stream.saveSnapshot("main", 7, chunksOf("se", "ven"));
      const broken = (async function* () {
        yield bytes("half");
        throw new Error("the process was too busy");
      })();
      await assert.rejects(stream.saveSnapshot("main", 9, broken), /too busy/);
      await other.saveSnapshot("main", 5, chunksOf("five"));
      const found = await other.loadSnapshot("main");
      assert.equal(found?.sequence, 7);
      assert.equal(await joined(found.chunks), "seven");

      await stream.saveSnapshot("main", 11, chunksOf(...Array.from("eleven")));
      const newest = await other.loadSnapshot("main");
      assert.equal(newest?.sequence, 11);
      assert.equal(await joined(newest.chunks), "eleven");
      // The older ones are gone: six pieces and the end of the newest are left.
      const { state } = await infoOf(streamPrefix, "main-snapshots");
      assert.equal(state.messages, 7);
    }));

  it("counts a stream that was deleted and made again as another life, without snapshots", () =>
    withStreams(async (streamPrefix) => {
      await stream.publish("main", "a", bytes("1"));
      await stream.saveSnapshot("main", 1, chunksOf("one"));
      const heard = await hear(stream, 2);
      const before = await stream.state("main");
      await api(streamPrefix, "STREAM.DELETE", "main");
      assert.match((await heard.ended).message, /the reading begins anew/);
      await assert.rejects(stream.publish("main", "b", bytes("2")), isStoreError("STORE_REFUSED", "stream_missing"));
      const after = await stream.state("main");
      assert.notEqual(after.id, before.id);
      assert.deepEqual([after.first, after.last], [1, 0]);
      assert.equal(await stream.loadSnapshot("main"), undefined);
    }));

  it("connects again after a restart of the server, which has kept everything", () =>
    withStreams(async () => {
      await stream.publish("main", "a", bytes("1"));
      await stream.saveSnapshot("main", 1, chunksOf("one"));
      const heard = await hear(stream);
      await until(() => heard.messages.length === 1);
      await server.kill();
      const error = await heard.ended;
      assert.ok(isStoreError("STORE_UNAVAILABLE", "disconnected")(error));
      assert.equal(stream.isUp(), false);
      await assert.rejects(stream.publish("main", "b", bytes("2")), isStoreError("STORE_UNAVAILABLE"));
      await server.start();
      await until(() => stream.isUp());
      assert.equal(await stream.publish("main", "b", bytes("2")), 2);
      const again = await hear(stream, 2);
      await until(() => again.messages.length === 1);
      assert.equal(await joined((await stream.loadSnapshot("main"))?.chunks ?? chunksOf()), "one");
      again.close();
    }));

  it("ends a reading, and fails messages within a second, while the server stands still", () =>
    withStreams(async () => {
      const heard = await hear(stream);
      server.signal("SIGSTOP");
      await sleep(50); // a signal reaches a process a little later
      try {
        await assert.rejects(stream.publish("main", "a", bytes("1")), isStoreError("STORE_TIMEOUT", "no_answer"));
        assert.match((await heard.ended).message, /nothing was heard for \d+ ms/);
      } finally {
        server.signal("SIGCONT");
      }
      // The message that got no answer was appended all the same, so its id is known.
      await until(() => stream.publish("main", "a", bytes("1")).then((place) => place === 1, () => false));
      assert.equal((await stream.state("main")).last, 1);
    }));

  it("goes on at another server of its URL when the one that it uses stands still", async () => {
    const port = await freePort();
    await using first = await startNats();
    const elsewhere = streamWith({
      url: `${first.url},nats://127.0.0.1:${port}`,
      streamPrefix: freshStreamPrefix(),
    });
    await elsewhere.connect();
    await elsewhere.state("main");
    await using _second = await startNats({ port });
    first.signal("SIGSTOP");
    await sleep(50); // as above
    await until(() => elsewhere.state("main").then(() => true, () => false), 20_000);
    assert.equal(await elsewhere.publish("main", "a", bytes("1")), 1);
    await elsewhere.close();
  });

  async function infoOf(streamPrefix: string, name: string): Promise<{ state: { messages: number } }> {
    return await api(streamPrefix, "STREAM.INFO", name) as { state: { messages: number } };
  }

  /** What an operator would do with the program nats. */
  async function api(streamPrefix: string, verb: string, name: string): Promise<unknown> {
    const { connect } = await import("@nats-io/transport-node");
    const client = await connect({ servers: server.url });
    try {
      return (await client.request(`$JS.API.${verb}.${streamPrefix}-${name}`)).json();
    } finally {
      await client.close();
    }
  }
});

describe("A limiter on NATS", () => {
  it("warns that limits begin anew after its server has lost the stream", async () => {
    await using server = await startNats();
    const warnings: string[] = [];
    const rs = createRateSync({
      stores: { main: { engine: "nats", url: server.url, storage: "memory" } },
      limiters: { api: { limit: 2, windowMs: 60_000, onStoreError: "deny" } },
      logger: { debug() {}, info() {}, warn: (text) => void warnings.push(text), error() {} },
    });
    try {
      for (let i = 0; i < 2; i++) assert.ok((await rs.tryAcquire("api")).allowed);
      await server.kill();
      await server.start();
      await until(async () => (await rs.tryAcquire("api")).allowed, 20_000);
      assert.match(
        warnings.join("\n"),
        /store "main": The stream was deleted, or its server has lost it: limits begin anew/,
      );
    } finally {
      await rs.close();
    }
  });
});

/** Whether an error is such a failure of a store. */
function isStoreError(code: string, reason?: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.equal(error.code, code);
    if (reason !== undefined) assert.equal(error.reason, reason);
    return true;
  };
}
