import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { compilePolicy } from "../../src/policy/compile_policy.ts";
import { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import { type OpenStore, storeConformance, type StoreRequest, type Target } from "../../src/testing/mod.ts";

/** What a careless store might make of a request before it runs it. */
type Mistake = (request: StoreRequest) => StoreRequest;

const MISTAKES: Readonly<Record<string, Mistake>> = {
  "takes when it is peeked at": (request) =>
    request.op === "take" && request.mode === "peek" ? { ...request, mode: "now" } : request,
  "grants at once what should wait": (request) =>
    request.op === "take" && request.mode === "wait" ? withTargets(request, unlimited) : request,
  "lets any caller release any permit": (request) =>
    request.op === "release" ? { op: "reset", targets: request.targets } : request,
  "renews no lease": (request) => request.op === "renew" ? { ...request, id: "absent.1.d.0.1.1" } : request,
  "gives nothing back": (request) => request.op === "giveBack" ? nothing(request) : request,
  "forgives nothing": (request) => request.op === "refund" ? nothing(request) : request,
  "has one state for all keys": (request) => withTargets(request, (target) => ({ ...target, key: undefined })),
  "takes no notice of a key's case": (request) =>
    withTargets(request, (target) => ({ ...target, key: target.key?.toLowerCase() })),
  "joins a limiter's id and a key without care": (request) =>
    withTargets(request, ({ key, ...target }) => {
      return { ...target, limiter: key === undefined ? target.limiter : `${target.limiter}:${key}`, key: undefined };
    }),
  "looks only at the first of several limiters": (request) =>
    withTargets(request, (target, i) => i === 0 ? target : unlimited(target)),
  "has one state for the limiter as a whole and its key undefined": (request) =>
    withTargets(request, (target) => ({ ...target, key: String(target.key) })),
  "refunds what should be given back": (request) =>
    request.op === "giveBack" ? { op: "refund", targets: request.targets } : request,
  "sends those who ask again to the end of the queue": (request) =>
    "arrivalUs" in request ? { ...request, arrivalUs: 0 } : request,
  "penalizes nothing": (request) => request.op === "penalize" ? nothing(request) : request,
  "resets nothing": (request) => request.op === "reset" ? nothing(request) : request,
  "blocks nothing": (request) => request.op === "block" ? { ...request, durationUs: 0 } : request,
  "shortens a block that should keep the longer one": (request) =>
    request.op === "block" ? { ...request, keepLonger: false } : request,
};

function withTargets(request: StoreRequest, change: (target: Target, i: number) => Target): StoreRequest {
  return { ...request, targets: request.targets.map(change) } as StoreRequest;
}

/** Another key, without the rates: whatever is asked of it is granted. */
function unlimited(target: Target): Target {
  const { rates } = compilePolicy({ limit: 1_000_000, windowMs: 1 });
  const all = target.policy.rates.map(() => rates[0] as typeof rates[0]);
  return { ...target, key: `${target.key}?`, policy: { ...target.policy, rates: all } };
}

function nothing({ targets }: StoreRequest): StoreRequest {
  return { op: "block", targets, durationUs: 0 };
}

/** A memory store that makes a mistake. */
function openMistaken(mistake: Mistake): OpenStore {
  return ({ clock }) => {
    const store = new MemoryStore({ clock });
    const execute = store.execute.bind(store);
    store.execute = (request) => execute(mistake(request)) as never;
    Object.assign(store, { answersAtOnce: false }); // permits that are known to their holder alone are renewed by no request
    return store;
  };
}

describe("storeConformance()", () => {
  for (const [what, mistake] of Object.entries(MISTAKES)) {
    it(`catches a store that ${what}`, async () => {
      for (const { run } of storeConformance({ open: openMistaken(mistake) })) {
        const caught = await run().then(() => false, () => true);
        if (caught) return;
      }
      assert.fail("every case passed");
    });
  }

  for (const steps of [0, 1, 2, 4]) {
    it(`catches a store that takes, and rejects all the same because of the signal, ${steps} steps later`, async () => {
      const open: OpenStore = ({ clock }) => {
        const store = new MemoryStore({ clock });
        const execute = store.execute.bind(store);
        store.execute = (async (request: StoreRequest, signal?: AbortSignal) => {
          const reply = execute(request);
          for (let step = 0; step <= steps; step++) await undefined;
          signal?.throwIfAborted();
          return reply;
        }) as never;
        return store;
      };
      const caught = await Promise.all(
        storeConformance({ open }).filter(({ name }) => name.includes("signal")).map(({ run }) =>
          run().then(() => false, () => true)
        ),
      );
      assert.ok(caught.includes(true), "every case passed");
    });
  }

  it("catches a store that tells a wait of 1 µs too little or too much", async () => {
    for (const offUs of [-1, 1]) {
      const open: OpenStore = ({ clock }) => {
        const store = new MemoryStore({ clock });
        const execute = store.execute.bind(store);
        store.execute = (async (request: StoreRequest) => {
          const reply = await execute(request);
          return "waitUs" in reply && reply.waitUs > 0
            ? { ...reply, waitUs: reply.waitUs + offUs, levels: reply.levels }
            : reply;
        }) as never;
        return store;
      };
      const outcomes = storeConformance({ open }).slice(0, 30).map(({ run }) => run());
      assert.ok((await Promise.allSettled(outcomes)).some(({ status }) => status === "rejected"));
    }
  });

  it("catches a store that looks at a clock of its own", async () => {
    const first = storeConformance({ open: () => new MemoryStore() })
      .find(({ name }) => name.startsWith("sliding window: admits `limit` again"));
    await assert.rejects(first?.run() ?? Promise.resolve());
  });
});
