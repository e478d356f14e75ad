import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";

import { StoreError } from "../../../mod.ts";
import { freePort } from "../../../scripts/_free_port.ts";
import { TemporaryFolder } from "../../../scripts/_temporary.ts";
import { type NatsServer, startNats } from "../../../scripts/nats/server.ts";
import { keepAlive } from "../../../src/base/deadline.ts";
import type { NatsStoreOptions } from "../../../src/stores/nats/options.ts";
import { Authority } from "../redis/_certificates.ts";
import { startServer } from "../redis/_servers.ts";
import { newCreds, newUserSeed } from "./_identities.ts";
import { bytes, freshStreamPrefix, streamWith } from "./_nats.ts";

const SECRET = "s3cr3t-p4ss";

/** Connects, makes the streams, publishes, and tells what has failed; undefined if nothing has. */
async function use(options: NatsStoreOptions): Promise<StoreError | undefined> {
  const stream = streamWith({ streamPrefix: freshStreamPrefix(), socketConnectTimeoutMs: 1_500, ...options });
  const held = keepAlive(); // as a store does while it connects
  try {
    await stream.connect();
    await stream.state("main");
    await stream.publish("main", "a", bytes("1"));
    return undefined;
  } catch (error) {
    assert.ok(error instanceof StoreError, inspect(error));
    assert.ok(!inspect(error, { depth: 6 }).includes(SECRET), inspect(error, { depth: 6 }));
    return error;
  } finally {
    held.cancel();
    await stream.close();
  }
}

async function refuses(options: NatsStoreOptions, code: string, reason: string, says: RegExp): Promise<void> {
  const error = await use(options);
  assert.ok(error !== undefined, "it was accepted");
  assert.match(error.message, says);
  assert.deepEqual([error.code, error.reason], [code, reason], error.message);
}

async function accepts(options: NatsStoreOptions): Promise<void> {
  const error = await use(options);
  assert.equal(error, undefined, inspect(error));
}

describe("A NATS store that cannot use what it is given", () => {
  it("says that nothing listens there", async () => {
    const url = `nats://127.0.0.1:${await freePort()}`;
    await refuses({ url }, "STORE_UNAVAILABLE", "connection_refused", /start the server, or correct host and port/);
  });

  it("says that a host is unknown", () =>
    refuses({ url: "nats://no-such-host.invalid" }, "STORE_UNAVAILABLE", "host_unknown", /correct the host name/));

  it("says that a server does not speak NATS, or says nothing", async () => {
    await using rude = await startServer((socket) => socket.write("-ERR what is that?\r\n"));
    await refuses(
      { url: `nats://127.0.0.1:${rude.port}` },
      "STORE_UNAVAILABLE",
      "not_nats",
      /listens for clients at port 4222/,
    );
    const silent = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const { port } = silent.address() as AddressInfo;
    const url = `nats://127.0.0.1:${port}`;
    await refuses(
      { url },
      "STORE_UNAVAILABLE",
      "connect_timeout",
      /nothing that speaks NATS has answered within 1500 ms; the connection was accepted/,
    );
    silent.closeAllConnections();
    silent.close();
  });

  it("says that a server is too old", async () => {
    const greeting = `INFO ${
      JSON.stringify({ version: "2.8.4", proto: 1, headers: true, max_payload: 1_048_576 })
    }\r\n`;
    await using old = await startServer((socket) => {
      socket.write(greeting);
      socket.on("data", (data) => String(data).includes("PING") && socket.write("PONG\r\n"));
    });
    const says = /it is nats-server 2\.8\.4, and 2\.9 or newer is required; .*update the server/;
    await refuses({ url: `nats://127.0.0.1:${old.port}` }, "STORE_REFUSED", "version_unsupported", says);
  });

  it("says that there is no JetStream", async () => {
    await using server = await startNats({ jetstream: undefined });
    await refuses({ url: server.url }, "STORE_REFUSED", "no_jetstream", /nats-server -js/);
  });

  it("says that the account or the server is full", async () => {
    await using server = await startNats({ jetstream: "max_file_store: 1KB\n  max_memory_store: 0" });
    const stream = streamWith({ url: server.url });
    try {
      await stream.connect();
      const fill = async () => {
        await stream.state("main");
        for (let i = 0; i < 10; i++) await stream.publish("main", `${i}`, new Uint8Array(500));
      };
      await assert.rejects(fill(), (error) => {
        assert.ok(error instanceof StoreError);
        assert.deepEqual([error.code, error.reason], ["STORE_REFUSED", "stream_full"], error.message);
        return true;
      });
    } finally {
      await stream.close();
    }
  });

  it("says that the account may have no stream for snapshots", async () => {
    const users = `users: [{ user: api, password: "${SECRET}" }]`;
    const jetstream = "jetstream: { max_mem: 1M, max_file: 1M, max_streams: 1 }";
    await using server = await startNats({ config: `accounts { A: { ${jetstream}, ${users} } }` });
    const options = { url: server.url, username: "api", password: SECRET };
    await refuses(options, "STORE_REFUSED", "stream_full", /make the stream .*-snapshots: maximum number of streams/);
  });

  it("refuses more than one replica on a server without a cluster", async () => {
    await using server = await startNats();
    await refuses(
      { url: server.url, replicas: 3 },
      "STORE_REFUSED",
      "wrong_stream",
      /replicas > 1 not supported.*: lower replicas/,
    );
  });
});

describe("A stream that others have made", () => {
  let server: NatsServer;
  before(async () => {
    server = await startNats();
  });
  after(() => server[Symbol.asyncDispose]());

  async function withStream(config: (subject: string) => object, says: RegExp): Promise<void> {
    const streamPrefix = freshStreamPrefix();
    const { connect } = await import("@nats-io/transport-node");
    const client = await connect({ servers: server.url });
    try {
      const name = `${streamPrefix}-main`;
      const usual = {
        name,
        subjects: [`${streamPrefix}.log.main`],
        discard: "new",
        num_replicas: 1,
        storage: "memory",
      };
      const body = { ...usual, retention: "limits", ...config(`${streamPrefix}.log.main`) };
      const made = (await client.request(`$JS.API.STREAM.CREATE.${name}`, JSON.stringify(body))).json<
        { error?: unknown }
      >();
      assert.equal(made.error, undefined, inspect(made));
      await refuses({ url: server.url, streamPrefix }, "STORE_REFUSED", "wrong_stream", says);
    } finally {
      await client.close();
    }
  }

  it("is refused if readers take its messages away", () =>
    withStream(() => ({ retention: "workqueue" }), /its retention is workqueue, and has to be limits/));
  it("is refused if its messages end", () => withStream(() => ({ max_age: 3600e9 }), /end after 3600 s \(max_age\)/));
  it("is refused if it drops its oldest messages", () =>
    withStream(() => ({ discard: "old", max_bytes: 1_000_000 }), /drops its oldest messages/));
  it("is refused if it takes short messages only", () =>
    withStream(() => ({ max_msg_size: 10_000 }), /messages of 10000 bytes at most \(max_msg_size\)/));
  it("is refused if it confirms nothing", () => withStream(() => ({ no_ack: true }), /no_ack/));
  it("is refused if it cannot be purged", () => withStream(() => ({ deny_purge: true }), /deny_purge/));
  it("is refused if it forgets ids of messages too soon", () =>
    withStream(() => ({ duplicate_window: 1e9 }), /duplicate_window/));
  it("is refused if it takes other subjects too", () =>
    withStream((subject) => ({ subjects: [subject, `${subject}.more`] }), /has to take .* alone/));

  it("is reported as missing if it may not be made", () =>
    refuses({ url: server.url, autoCreate: false }, "STORE_REFUSED", "stream_missing", /stream not found/));

  it("is refused if another stream takes its subject", async () => {
    const streamPrefix = freshStreamPrefix();
    const { connect } = await import("@nats-io/transport-node");
    const client = await connect({ servers: server.url });
    const name = `${streamPrefix}-other`;
    await client.request(`$JS.API.STREAM.CREATE.${name}`, JSON.stringify({ name, subjects: [`${streamPrefix}.>`] }));
    await client.close();
    await refuses({ url: server.url, streamPrefix }, "STORE_REFUSED", "wrong_stream", /subjects overlap/);
  });
});

describe("A NATS store signs in", () => {
  it("as a user with a password, also one that a function gives", async () => {
    await using server = await startNats({ config: `authorization { user: api, password: "${SECRET}" }` });
    const { url } = server;
    const { port } = server;
    await accepts({ url, username: "api", password: SECRET });
    await accepts({ url: `nats://api:${SECRET}@127.0.0.1:${port}` });
    await accepts({ url, username: () => "api", password: () => Promise.resolve(SECRET) });
    const says = /authori[sz]ation violation.*this will not heal by itself: check username and password/i;
    await refuses({ url, username: "api", password: `${SECRET}!` }, "STORE_REFUSED", "authentication", says);
    await refuses({ url }, "STORE_REFUSED", "authentication", says);
    const failing = () => Promise.reject(new Error("the vault is closed"));
    await refuses(
      { url, username: "api", password: failing },
      "STORE_UNAVAILABLE",
      "authentication",
      /the function in the option password has failed: the vault is closed/,
    );
    await refuses({ url, username: "api", password: () => "" }, "STORE_UNAVAILABLE", "authentication", /an empty text/);
  });

  it("with a token", async () => {
    await using server = await startNats({ config: `authorization { token: "${SECRET}" }` });
    await accepts({ url: server.url, token: SECRET });
    await accepts({ url: server.url, token: () => Promise.resolve(SECRET) });
    await accepts({ url: `nats://${SECRET}@127.0.0.1:${server.port}` });
    await refuses({ url: server.url, token: `${SECRET}!` }, "STORE_REFUSED", "authentication", /check/);
  });

  it("with an NKey", async () => {
    const { seed, publicKey } = newUserSeed();
    await using server = await startNats({ config: `authorization { users: [{ nkey: ${publicKey} }] }` });
    await accepts({ url: server.url, nkeySeed: seed });
    await refuses({ url: server.url, nkeySeed: newUserSeed().seed }, "STORE_REFUSED", "authentication", /check/);
  });

  it("with a file of credentials", async () => {
    const { config, creds } = newCreds();
    await using server = await startNats({ config });
    await accepts({ url: server.url, creds });
    await refuses({ url: server.url, creds: newCreds().creds }, "STORE_REFUSED", "authentication", /check/);
  });

  it("with too few rights, and names the subject that was refused", async () => {
    const user = (name: string, publish: string) =>
      `{ user: ${name}, password: x, permissions: { publish: [${publish}], subscribe: ["_INBOX.api.>"] } }`;
    const api = '"$JS.API.STREAM.*.*", "$JS.API.CONSUMER.>", "$JS.FC.>"';
    const config = `authorization { users: [${user("whole", `${api}, "*.log.>", "*.snapshot.>"`)}, ${
      user("reader", api)
    }] }`;
    await using server = await startNats({ config });
    const { url } = server;
    const own = { url, password: "x", inboxPrefix: "_INBOX.api" };
    await accepts({ ...own, username: "whole" });
    await refuses(
      { ...own, username: "reader" },
      "STORE_REFUSED",
      "permission",
      /refused to publish to test-\S+\.log\.main; grant/,
    );
    const elsewhere = { url, username: "whole", password: "x" };
    await refuses(elsewhere, "STORE_REFUSED", "permission", /refused to subscribe to _INBOX\.ratesync-/);
  });
});

describe("A NATS server with TLS", () => {
  const folder = new TemporaryFolder("nats-tls");
  const authority = new Authority(folder.path, "authority");
  after(() => folder[Symbol.dispose]());

  it("is trusted by its authority, at nats:// and tls://, and wants a certificate where it says so", async () => {
    authority.sign("here", { name: "IP:127.0.0.1" });
    authority.sign("client", { name: "DNS:client.test" });
    const files = `cert_file: "${authority.path("here.pem")}", key_file: "${authority.path("here.key")}"`;
    await using server = await startNats({ config: `tls { ${files} }` });
    await using strict = await startNats({
      config: `tls { ${files}, ca_file: "${authority.path("authority.pem")}", verify: true }`,
    });
    await using plain = await startNats();
    const tlsCa = authority.read("authority.pem");
    const url = `tls://127.0.0.1:${server.port}`;
    await accepts({ url, tlsCa });
    await accepts({ url: server.url, tlsCa });
    await accepts({ url, tlsInsecure: true });
    await refuses({ url }, "STORE_UNAVAILABLE", "tls", /signed by an unknown authority/);
    await refuses({ url, tlsCa, tlsServerName: "nats.test" }, "STORE_UNAVAILABLE", "tls", /name|ALTNAME/i);
    await refuses({ url: `tls://127.0.0.1:${plain.port}` }, "STORE_UNAVAILABLE", "tls", /does not offer TLS/);
    const mine = { tlsCa, tlsCert: authority.read("client.pem"), tlsKey: authority.read("client.key") };
    await accepts({ url: `tls://127.0.0.1:${strict.port}`, ...mine });
    const error = await use({ url: `tls://127.0.0.1:${strict.port}`, tlsCa });
    assert.equal(error?.code, "STORE_UNAVAILABLE", inspect(error));
  });
});
