import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { LimiterOptions } from "../../../src/policy/options.ts";
import { compilePolicy } from "../../../src/policy/compile_policy.ts";
import type { Policy } from "../../../src/policy/policy.ts";
import { LogStore, type LogStoreSettings, replicasOf } from "../../../src/stores/log/log_store.ts";
import type { StoreRequest, TakeReply, TakeRequest, Target } from "../../../src/stores/store.ts";
import { waiterId } from "../../../src/stores/waiter_id.ts";
import { type Faults, MemoryLog, MemoryLogStream } from "./_memory_log.ts";
import { stateOf } from "./_state.ts";

const HOUR_MS = 3_600_000;

/** Numbers from 0 to 1 that follow from a seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

interface Process {
  readonly store: LogStore;
  readonly stream: MemoryLogStream;
}

/** Processes on one stream, with faults that follow from a seed. */
class Fleet {
  readonly log: MemoryLog;
  readonly processes: Process[] = [];
  readonly random: () => number;
  /** What the server's clock is ahead of the machine's. */
  offsetUs = 0;
  readonly errors: string[] = [];
  /** How many snapshots were stored before each of the errors. */
  readonly storedBefore: number[] = [];

  constructor(seed: number) {
    this.random = randomOf(seed);
    this.log = new MemoryLog(() =>
      Math.floor(performance.timeOrigin * 1_000 + performance.now() * 1_000) + this.offsetUs
    );
    this.log.comparesIds = this.random() < 0.5;
  }

  open(faults: Faults = {}, settings: LogStoreSettings = {}): Process {
    const stream = new MemoryLogStream(this.log, { later: (work) => void setTimeout(work, 0), ...faults });
    const onError = (error: Error) => {
      this.errors.push(error.message);
      this.storedBefore.push(this.log.shard("0").stored);
    };
    const store = new LogStore(stream, { resendMs: 40, answerTimeoutMs: 4_000, onError, ...settings });
    const process = { store, stream };
    this.processes.push(process);
    return process;
  }

  /** Lets all read the same messages, and compares what they hold. */
  async assertEqual(): Promise<void> {
    for (let i = 0; i < 2; i++) {
      for (const { store } of this.processes) {
        // The clock of the server may have stepped.
        assert.deepEqual((await store.check()).problems.filter(({ kind }) => kind !== "clock"), []);
      }
    }
    // The last look of each has been read by itself, and the others hear of it in a moment.
    await until(() => {
      const last = this.log.shard("0").last;
      return this.processes.every(({ store }) => replicasOf(store)[0]?.sequence === last);
    });
    const [first, ...others] = this.processes.map(({ store }) => stateOf(store));
    for (const other of others) assert.deepEqual(other, first);
  }

  async close(): Promise<void> {
    await Promise.all(this.processes.map(({ store }) => store.close()));
  }
}

async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 5_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error("it did not come true");
    await new Promise((done) => setTimeout(done, 5));
  }
}

function take(options: LimiterOptions | Policy, key: string, more: Partial<TakeRequest> = {}): TakeRequest {
  const policy = "rates" in options ? options : compilePolicy(options);
  const target: Target = { limiter: "api", key, policy, cost: 1, permits: policy.maxConcurrent > 0 ? 1 : 0 };
  return { op: "take", targets: [target], mode: "now", maxWaitUs: 0, id: "", arrivalUs: 0, ...more };
}

describe("A fleet on a stream with faults", () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`admits exactly the limit, and every process holds the same (seed ${seed})`, async () => {
      const fleet = new Fleet(seed);
      const { random } = fleet;
      const faults: Faults = {
        losesMessage: () => random() < 0.05,
        losesReply: () => random() < 0.05,
        later: (work) => void setTimeout(work, random() * 3),
      };
      for (let i = 0; i < 3; i++) fleet.open(faults, { snapshotEvery: 1_000 });
      const policies = [
        compilePolicy({ limit: 100, windowMs: HOUR_MS, burst: 100 }),
        compilePolicy({ algorithm: "fixed_window", limit: 100, windowMs: HOUR_MS }),
        compilePolicy({ algorithm: "sliding_window", limit: 100, windowMs: HOUR_MS }),
      ];
      const admitted = new Map<string, number>();
      let isOver = false;
      const chaos = (async () => {
        while (!isOver) {
          const { stream } = fleet.processes[Math.floor(random() * 3)] as Process;
          if (random() < 0.5) stream.killReaders();
          else {
            const frozen = stream.readers.at(-1);
            if (frozen !== undefined) frozen.isFrozen = true;
          }
          await new Promise((done) => setTimeout(done, 60 + 60 * random()));
        }
      })();
      let unknown = 0;
      const caller = async (process: number) => {
        for (let i = 0; i < 60; i++) {
          const place = Math.floor(random() * 3);
          const key = `${place}.${Math.floor(random() * 4)}`;
          const request = take(policies[place] as Policy, key);
          const { store } = fleet.processes[process] as Process;
          const reply = await store.execute({
            ...request,
            targets: [{ ...request.targets[0] as Target, limiter: `l${place}` }],
          })
            .catch(() => undefined);
          if (reply === undefined) unknown++;
          else if (reply.status === "allowed") admitted.set(key, (admitted.get(key) ?? 0) + 1);
        }
      };
      await Promise.all(Array.from({ length: 36 }, (_, i) => caller(i % 3)));
      isOver = true;
      await chaos;
      assert.equal(unknown, 0, "calls had no answer");
      for (const [key, count] of admitted) assert.equal(count, 100, key);
      fleet.open({}, { snapshotEvery: 1_000 });
      assert.ok(fleet.log.shard("0").first > 1 || fleet.log.shard("0").stored > 0, "no snapshot was stored");
      await fleet.assertEqual();
      await fleet.close();
    });
  }

  it("holds the same state when rules change and the clock of the server steps", async () => {
    const fleet = new Fleet(7);
    const { random } = fleet;
    const open = () => fleet.open({}, { snapshotEvery: 60, aliveMs: 1e12 });
    open();
    open();
    const rules: LimiterOptions[] = [
      { limit: 3, windowMs: 1_000 },
      { limit: 5, windowMs: 4_000, burst: 5 },
      { algorithm: "sliding_window", limit: 4, windowMs: 2_000 },
      { algorithm: "sliding_window_counter", limit: 4, windowMs: 2_000 },
      { limits: [{ limit: 2, windowMs: 500 }, { algorithm: "fixed_window", limit: 9, windowMs: 60_000 }] },
      { limit: 5, windowMs: 4_000, maxConcurrent: 2, leaseTtlMs: 1_000 },
      { limit: 3, windowMs: 1_000, onChange: "scale" },
    ];
    const policies = rules.map((options) => compilePolicy(options));
    let sequence = 0;
    for (let i = 0; i < 900; i++) {
      if (i % 150 === 149) open();
      if (random() < 0.2) fleet.offsetUs += Math.floor(random() * [1_000, 1e6, 1e7, 3e8][Math.floor(random() * 4)]!);
      if (random() < 0.02) fleet.offsetUs -= Math.floor(random() * 1e8);
      const policy = policies[Math.floor(random() * (i % 300 < 150 ? policies.length : 2))] as Policy;
      const { store } = fleet.processes[Math.floor(random() * fleet.processes.length)] as Process;
      const permits = policy.maxConcurrent > 0 ? 1 : 0;
      const id = permits === 0 ? "" : waiterId({
        instance: "one",
        sequence: ++sequence,
        direct: true,
        maxWaitUs: 0,
        permits,
        cost: 1,
        leaseTtlUs: 1e6,
      });
      const asked = take(policy, `k${Math.floor(random() * 20)}`, { id });
      const request: StoreRequest = random() < 0.9
        ? asked
        : { op: "block", targets: asked.targets, durationUs: Math.floor(random() * 1e6) };
      void store.execute(request);
      if (random() < 0.3) await store.execute(take(policies[i % 5] as Policy, "sync"));
    }
    await fleet.assertEqual();
    assert.ok(fleet.log.shard("0").stored > 3, "too few snapshots");
    await fleet.close();
  });

  it("answers every call after a pause of a process, also one whose messages were cut meanwhile", async () => {
    const fleet = new Fleet(1);
    const [running, paused] = [fleet.open({}, { snapshotEvery: 50 }), fleet.open({}, { snapshotEvery: 50 })];
    await paused.store.connect();
    paused.stream.isPaused = true;
    const late = paused.store.execute(take({ limit: 1_000, windowMs: HOUR_MS }, "a"));
    for (let i = 0; i < 400; i++) await running.store.execute(take({ limit: 1_000, windowMs: HOUR_MS }, "a"));
    await until(() => fleet.log.shard("0").first > 100);
    paused.stream.resume();
    assert.equal((await late).status, "allowed");
    await fleet.assertEqual();
    assert.match(fleet.errors.join("\n"), /messages from \d+ to \d+ are missing/);
    await fleet.close();
  });

  it("answers a call whose message was lost, also where hundreds of others came before it was sent again", async () => {
    const fleet = new Fleet(1);
    let lost = 0;
    const { store } = fleet.open({ losesMessage: () => ++lost === 2, later: queueMicrotask }, { resendMs: 2_000 });
    await store.execute(take({ limit: 1_000, windowMs: HOUR_MS }, "a"));
    const late = store.execute(take({ limit: 1_000, windowMs: HOUR_MS }, "a"));
    await until(() => lost === 2);
    for (let i = 0; i < 400; i++) await store.execute(take({ limit: 1_000, windowMs: HOUR_MS }, "a"));
    assert.equal((await late).status, "allowed");
    await fleet.close();
  });

  it("gives no call up for the time that the process itself stood still", async () => {
    const fleet = new Fleet(1);
    // What comes back needs another while when the process goes on.
    const { store } = fleet.open({ later: (work) => void setTimeout(work, 80) }, { answerTimeoutMs: 400 });
    await store.connect();
    const call = store.execute(take({ limit: 1, windowMs: HOUR_MS }, "a"));
    await new Promise((done) => setTimeout(done, 10)); // it is sent
    const goOnMs = performance.now() + 600;
    while (performance.now() < goOnMs); // stands still
    assert.equal((await call).status, "allowed");
    await fleet.close();
  });

  it("skips the waiting calls of a process that is gone, and gives others their places back after a pause", async () => {
    const fleet = new Fleet(2);
    const settings = { aliveMs: 300 };
    const [one, two] = [fleet.open({}, settings), fleet.open({}, settings)];
    const policy = compilePolicy({ maxConcurrent: 1, leaseTtlMs: 60_000 });
    const idOf = (instance: string, sequence: number) =>
      waiterId({ instance, sequence, direct: true, maxWaitUs: 60e6, permits: 1, cost: 1, leaseTtlUs: 60e6 });
    const granted: string[] = [];
    let missed = 0;
    for (const [instance, { store }] of [["one", one], ["two", two]] as const) {
      await store.listen({
        instance,
        targetOf: () => undefined,
        wakeup: ({ id, kind }) => void (kind === "granted" && granted.push(id)),
        missed: () => void missed++,
      });
    }
    const holder = idOf("one", 1);
    assert.equal(
      (await one.store.execute(take(policy, "k", { id: holder, mode: "wait", maxWaitUs: 60e6 }))).status,
      "allowed",
    );
    const waiting = idOf("two", 1);
    const queued = await two.store.execute(take(policy, "k", { id: waiting, mode: "wait", maxWaitUs: 60e6 }));
    assert.equal(queued.status, "queued");
    const behind = idOf("one", 2);
    assert.equal(
      (await one.store.execute(take(policy, "k", { id: behind, mode: "wait", maxWaitUs: 60e6 }))).status,
      "queued",
    );
    two.stream.isPaused = true;
    await new Promise((done) => setTimeout(done, 500));
    await one.store.execute({ op: "release", id: holder, targets: take(policy, "k").targets });
    await until(() => granted.length > 0);
    assert.deepEqual(granted, [behind]);
    two.stream.resume();
    await until(() => missed > 0);
    // It asks again, and is served when the permit is free.
    const poll = {
      op: "poll",
      id: waiting,
      arrivalUs: queued.arrivalUs,
      targets: [take(policy, "k").targets[0] as Target],
    } as const;
    assert.equal((await two.store.execute(poll)).status, "queued");
    await one.store.execute({ op: "release", id: behind, targets: take(policy, "k").targets });
    await until(() => granted.length > 1);
    assert.deepEqual(granted, [behind, waiting]);
    await fleet.close();
  });

  it("reports a server whose clock differs, which does not stop decisions", async () => {
    const fleet = new Fleet(10);
    const { store } = fleet.open();
    fleet.offsetUs = 3e6;
    const { ok, problems } = await store.check();
    assert.equal(ok, true);
    assert.deepEqual(problems.map(({ kind, stopsDecisions }) => ({ kind, stopsDecisions })), [
      { kind: "clock", stopsDecisions: false },
    ]);
    assert.match(problems[0]?.message ?? "", /^The server's clock is 3\.0 s ahead of this process'/);
    await fleet.close();
  });

  it("tells of a reader of the board only those processes that make calls", async () => {
    const fleet = new Fleet(11);
    const [reader, busy, idle] = [fleet.open(), fleet.open(), fleet.open()];
    const told: string[] = [];
    for (const [name, { store }] of Object.entries({ reader, busy, idle })) {
      store.board.notice(() => void told.push(name));
      await store.connect();
    }
    await busy.store.execute(take({ limit: 1, windowMs: HOUR_MS }, "a"));
    await reader.store.board.read();
    await fleet.assertEqual();
    assert.deepEqual(told, ["busy"]);
    await fleet.close();
  });

  it("stops deciding where a process is of a newer version, and says so", async () => {
    const fleet = new Fleet(3);
    const { store } = fleet.open();
    await store.connect();
    fleet.log.shard("0").append("x", new TextEncoder().encode('[2,"newer",1,[],[]]'), fleet.log);
    await until(() => fleet.errors.length > 0);
    await assert.rejects(store.execute(take({ limit: 1, windowMs: 1_000 }, "a")), {
      code: "STORE_REFUSED",
      message: /newer version/,
    });
    const { ok, problems } = await store.check();
    assert.equal(ok, false);
    assert.match(problems[0]?.message ?? "", /Update this process/);
    // One that starts now finds it among what it reads first.
    await assert.rejects(fleet.open().store.connect(), { code: "STORE_REFUSED", message: /newer version/ });
    await fleet.close();
  });

  it("leaves out what is no message of this package", async () => {
    const fleet = new Fleet(4);
    const [one, two] = [fleet.open(), fleet.open()];
    await one.store.connect();
    for (
      const text of [
        "",
        "{",
        "null",
        "[1]",
        '[1,"s",1,[],[[9]]]',
        '[1,"s",2,["a"],[[0,0,1,-1,"k"]]]',
        "[0,1,2]",
        "\u0000",
      ]
    ) {
      fleet.log.shard("0").append(text, new TextEncoder().encode(text), fleet.log);
    }
    assert.equal((await one.store.execute(take({ limit: 1, windowMs: HOUR_MS }, "a"))).status, "allowed");
    assert.equal((await two.store.execute(take({ limit: 1, windowMs: HOUR_MS }, "a"))).status, "rate");
    await fleet.assertEqual();
    await fleet.close();
  });

  for (const tellsMost of [true, false]) {
    const how = tellsMost ? "before it is full" : "when it is full, and goes on";
    it(`cuts a stream that may hold few messages ${how}`, async () => {
      const fleet = new Fleet(6);
      fleet.log.mostMessages = 100;
      fleet.log.tellsMost = tellsMost;
      const processes = [fleet.open(), fleet.open()];
      const request = take({ limit: 150, windowMs: HOUR_MS }, "a");
      let allowed = 0;
      let refused = 0;
      for (let i = 0; i < 400; i++) {
        const reply = await processes[i % 2]?.store.execute(request).catch(async ({ reason }) => {
          assert.equal(reason, "stream_full");
          refused++;
          await new Promise((done) => setTimeout(done, 20));
        });
        if (reply?.status === "allowed") allowed++;
      }
      assert.equal(allowed, 150);
      if (tellsMost) assert.equal(refused, 0);
      await until(() => fleet.log.shard("0").last + 1 - fleet.log.shard("0").first < 100);
      await fleet.assertEqual();
      await fleet.close();
    });
  }

  it("keeps its state while a stream may hold no message at all", async () => {
    const fleet = new Fleet(7);
    const { store } = fleet.open();
    const request = take({ limit: 50, windowMs: HOUR_MS }, "a");
    for (let i = 0; i < 30; i++) assert.equal((await store.execute(request)).status, "allowed");
    fleet.log.mostMessages = 0;
    const shard = fleet.log.shard("0");
    const ask = () => assert.rejects(store.execute(request), { reason: "stream_full" });
    for (const endMs = performance.now() + 5_000; shard.first <= shard.last && performance.now() < endMs;) {
      await ask();
      await new Promise((done) => setTimeout(done, 10));
    }
    assert.equal(shard.first, shard.last + 1, "messages are kept although the stream takes none");
    const before = shard.stored;
    await ask();
    await new Promise((done) => setTimeout(done, 200));
    assert.equal(shard.stored, before, "a snapshot was stored, and no room could be made");
    fleet.log.mostMessages = Infinity;
    for (let i = 30; i < 60; i++) {
      assert.equal((await store.execute(request)).status, i < 50 ? "allowed" : "rate", `${i}`);
    }
    await fleet.assertEqual();
    await fleet.close();
  });

  it("begins anew when the stream was deleted, and says that counted units are lost", async () => {
    const fleet = new Fleet(5);
    const [one, two] = [fleet.open({}, { snapshotEvery: 20 }), fleet.open()];
    const request = take({ limit: 50, windowMs: HOUR_MS }, "a");
    await two.store.connect();
    for (let i = 0; i < 60; i++) await one.store.execute(request);
    assert.equal((await one.store.execute(request)).status, "rate");
    fleet.log.deleteAll();
    assert.equal((await one.store.execute(request).catch(() => one.store.execute(request))).status, "allowed");
    await fleet.assertEqual();
    assert.match(fleet.errors.join("\n"), /The stream was deleted, or its server has lost it: limits begin anew/);
    await fleet.close();
  });

  it("holds the same everywhere after the server has lost messages that a snapshot knows", async () => {
    const fleet = new Fleet(9);
    const one = fleet.open({}, { snapshotEvery: 30, answerTimeoutMs: 1_000 });
    const request = take({ algorithm: "fixed_window", limit: 1_000, windowMs: HOUR_MS }, "a");
    for (let i = 0; i < 40; i++) await one.store.execute(request);
    await until(() => fleet.log.shard("0").stored > 0);
    const { sequence } = fleet.log.shard("0").snapshot as { readonly sequence: number };
    fleet.log.shard("0").lose(fleet.log.shard("0").last - sequence + 5);
    const two = fleet.open({}, { answerTimeoutMs: 1_000 });
    // No process has what is missing: limits begin anew, after the time in which one could have told.
    await Promise.all([one, two].map(({ store }) => store.execute(request).catch(() => store.connect())));
    for (let i = 0; i < 12; i++) await Promise.all([one.store.execute(request), two.store.execute(request)]);
    fleet.open();
    await fleet.assertEqual();
    await fleet.close();
  });

  it("begins anew where messages are missing and no process has them", async () => {
    const fleet = new Fleet(6);
    const one = fleet.open();
    await one.store.execute(take({ limit: 1, windowMs: HOUR_MS }, "a"));
    await one.store.close();
    fleet.processes.length = 0;
    fleet.log.shard("0").first = fleet.log.shard("0").last + 1;
    const [two, three] = [fleet.open({}, { answerTimeoutMs: 1_000 }), fleet.open({}, { answerTimeoutMs: 1_000 })];
    await Promise.all([two.store.connect(), three.store.connect()]);
    const reply = await two.store.execute(take({ limit: 1, windowMs: HOUR_MS }, "a")) as TakeReply;
    assert.equal(reply.status, "allowed");
    await fleet.assertEqual();
    await fleet.close();
  });

  it("finds the process that has computed something else, which loads the state of the others", async () => {
    const fleet = new Fleet(8);
    for (let i = 0; i < 3; i++) fleet.open({}, { snapshotEvery: 200 });
    const stores = fleet.processes.map(({ store }) => store);
    const request = take({ algorithm: "fixed_window", limit: 100_000, windowMs: HOUR_MS }, "a");
    const ask = async (times: number) => {
      for (let i = 0; i < times; i++) await Promise.all(stores.map((store) => store.execute(request).catch(() => {})));
    };
    await ask(20);
    // As a wrong bit in its memory would do.
    const wrong = replicasOf(stores[0] as LogStore)[0];
    const policy = wrong?.book.policies().next().value as Policy;
    wrong?.table.reset({ ...request.targets[0] as Target, policy }, wrong.nowUs);
    for (let i = 0; i < 4; i++) {
      fleet.offsetUs += 11e6;
      await ask(10);
    }
    const place = () => fleet.errors.findIndex((error) => error.includes("this one loads the state of the others"));
    await until(() => place() >= 0);
    const before = fleet.storedBefore[place()] as number;
    while (replicasOf(stores[0] as LogStore)[0] === undefined) await ask(1);
    assert.ok(fleet.log.shard("0").stored > before, "no snapshot was stored for it");
    await fleet.assertEqual();
    await fleet.close();
  });
});
