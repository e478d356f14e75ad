/**
 * One process of `nats.ts`. Its arguments: what to measure, the URL of NATS, how many calls are in flight, how many keys
 * there are, and which process it is.
 *
 * - `ours`: decisions of this package.
 * - `kv`: the same by compare-and-set on a bucket of KV. A process remembers what it has written, and reads only when
 *   another one has written since: nothing that decides by KV can send less.
 * - `echo`: answers requests.
 * - `start`: opens a store with all that it holds.
 *
 * @module
 */

import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { createRateSync } from "@ratesync/core";
import { createNatsStore } from "@ratesync/core/nats";

import { type Contender, inFlight } from "./_load.ts";
import { around, userKeys } from "./_names.ts";
import { ENDLESS, HOUR_MS } from "./_ours.ts";

interface Work {
  readonly url: string;
  readonly lanes: number;
  readonly keys: readonly string[];
}

/** Opens what the arguments say. */
export async function open([subject = "", url = "", ...numbers]: readonly string[]): Promise<Contender> {
  const [lanes = 1, keyCount = 1, place = 0] = numbers.map(Number);
  // Each process has keys of its own, unless there is one for all. KV takes no colons.
  const keys = userKeys(keyCount).map((key) => key.replace(":", ".") + (keyCount === 1 ? "" : `-${place}`));
  const work: Work = { url, lanes, keys };
  switch (subject) {
    case "ours":
      return ours(work);
    case "kv":
      return await kv(work);
    case "echo":
      return await echo(work);
    case "start":
      return started(work);
  }
  throw new Error(`expected ours, kv, echo or start, received ${subject}`);
}

function ours({ url, lanes, keys }: Work): Contender {
  const rs = createRateSync({
    stores: { shared: { engine: "nats", url } },
    limiters: { api: { ...ENDLESS, onStoreError: "throw", decisionTimeoutMs: 30_000 } },
  });
  return inFlight("ours", {
    lanes,
    close: () => rs.close(),
    call: (i) => rs.tryAcquire("api", { key: around(keys, i) }),
  });
}

async function kv({ url, lanes, keys }: Work): Promise<Contender> {
  const client = await connect({ servers: url });
  const bucket = await new Kvm(client).create("limits", { history: 1 });
  const spaceMs = HOUR_MS / 1_000_000_000;
  const known = new Map<string, { readonly fullMs: number; readonly revision: number }>();
  async function read(key: string) {
    const entry = await bucket.get(key);
    return entry === null ? { fullMs: 0, revision: 0 } : { fullMs: Number(entry.string()), revision: entry.revision };
  }
  async function take(key: string): Promise<boolean> {
    for (let { fullMs, revision } = known.get(key) ?? { fullMs: 0, revision: 0 };;) {
      const nowMs = Date.now();
      const next = Math.max(fullMs, nowMs) + spaceMs;
      if (next > nowMs + HOUR_MS) return false;
      try {
        const write = revision === 0 ? bucket.create(key, String(next)) : bucket.update(key, String(next), revision);
        known.set(key, { fullMs: next, revision: await write });
        return true;
      } catch (error) {
        if (!/wrong last sequence/.test(String(error))) throw error;
        ({ fullMs, revision } = await read(key)); // another one was faster
      }
    }
  }
  return inFlight("kv", { lanes, close: () => client.close(), call: (i) => take(around(keys, i)) });
}

async function echo({ url }: Work): Promise<Contender> {
  const client = await connect({ servers: url });
  client.subscribe("echo", { callback: (_error, message) => void message.respond(message.data) });
  await client.flush();
  return inFlight("echo", { lanes: 1, close: () => client.close(), call: () => Promise.resolve() });
}

function started({ url }: Work): Contender {
  return inFlight("start", {
    lanes: 1,
    async call() {
      const store = createNatsStore({ url, socketConnectTimeoutMs: 60_000 });
      await store.connect();
      await store.close();
    },
  });
}
