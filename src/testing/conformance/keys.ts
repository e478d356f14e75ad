/**
 * Keys: each is limited by itself, whatever it looks like.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { KeyQuery, StoredKey } from "../../stores/store.ts";
import type { Bench, Topic } from "./bench.ts";

const once = { algorithm: "sliding_window", limit: 1, windowMs: 60_000, maxConcurrent: 5 } as const;

/** Keys that a careless store would confuse, or choke on. */
const AWKWARD_KEYS: readonly string[] = [
  "a",
  "A",
  "a:b",
  "a::b",
  ":",
  " ",
  "  ",
  "{a}",
  "{}a",
  "a}b{",
  "*",
  "a?[b]",
  "%",
  "%3a.",
  "~",
  "\0",
  "a\0b",
  "\x7f",
  "a\x7fb",
  "\r\n",
  "a\tb",
  "\\",
  "'",
  '"',
  "user@example.com",
  "10.0.0.1",
  "2001:db8::1",
  "é",
  "e\u0301",
  "日本語",
  "🦕",
  "\ud83e",
  "\udd95",
  "__proto__",
  "constructor",
  "x".repeat(199),
  "x".repeat(200),
  "x".repeat(201),
  "x".repeat(10_000),
  `${"x".repeat(9_999)}y`,
  "{".repeat(300),
];

/** What a store lists, each key once. */
async function listed(bench: Bench, query: KeyQuery): Promise<StoredKey[]> {
  const found = new Map<string | undefined, StoredKey>();
  for await (const stored of bench.store.listKeys(query)) found.set(stored.key, stored);
  return [...found.values()];
}

/** Cases on keys. */
export const keys: Topic = {
  topic: "keys",
  cases: [
    {
      name: "do not know each other, nor the limiter without a key",
      covers: ["5.11.memory", "5.12.get_or_clone"],
      async run(bench) {
        const limiter = bench.limiter(once);
        for (const key of [undefined, "a", "b"]) {
          const ask = key === undefined ? {} : { key };
          assert.equal((await limiter.tryAcquire(ask)).allowed, true);
          assert.equal((await limiter.tryAcquire(ask)).allowed, false);
        }
      },
    },
    {
      name: "of any shape are kept apart, and recognised",
      covers: ["5.12.get_or_clone", "5.12.identifiers"],
      async run(bench) {
        const limiter = bench.limiter(once);
        for (const allowed of [true, false]) {
          const decisions = await Promise.all(AWKWARD_KEYS.map((key) => limiter.tryAcquire({ key })));
          const wrong = AWKWARD_KEYS.filter((_, i) => decisions[i]?.allowed !== allowed);
          assert.deepEqual(wrong, []);
        }
      },
    },
    {
      name: "and limiters' ids of any shape are not mistaken for each other",
      covers: ["5.12.get_or_clone", "5.12.identifiers"],
      async run(bench) {
        const names = ["a", "a:b", "a:", ":a", "{a}", "a}", "%", "~", "é", "🦕", "a\0", "x".repeat(300), "a:b:c"];
        const rs = bench.instance<string>(Object.fromEntries(names.map((name) => [name, once])));
        for (const allowed of [true, false]) {
          for (const name of names) {
            for (const key of [undefined, "b", "b:c", ":", "c"]) {
              const decision = await rs.tryAcquire(name, key === undefined ? {} : { key });
              assert.equal(decision.allowed, allowed, JSON.stringify([name, key]));
            }
          }
        }
      },
    },
    {
      name: "are listed by a store that lists them, and long ones can be used by what it lists",
      covers: ["5.12.identifiers"],
      async run(bench) {
        if (!bench.store.listsKeys) return;
        for (const options of [{ limit: 2, windowMs: 60_000 }, { maxConcurrent: 2 }, once] as const) {
          const rs = bench.instance({ api: options, "api:eu": options, ap: options });
          const limiter = rs.limiter("api");
          await Promise.all([rs.acquire("api:eu", { key: "b" }), rs.acquire("ap", { key: "i:c" }), limiter.acquire()]);
          await Promise.all(AWKWARD_KEYS.map((key) => limiter.acquire({ key })));
          const named = { limiter: limiter.id, policy: limiter.policy };
          const all = await listed(bench, named);
          const [plain, long] = [all.filter(({ isHash }) => !isHash), all.filter(({ isHash }) => isHash)];
          const known: readonly (string | undefined)[] = [undefined, ...AWKWARD_KEYS];
          assert.deepEqual(plain.filter(({ key }) => !known.includes(key)), []);
          assert.equal(all.length, known.length);
          assert.deepEqual(known.filter((key = "") => key.length > 200).length, long.length);
          const begun = (await listed(bench, { ...named, prefix: "a:" })).map(({ key }) => key);
          assert.deepEqual(begun.sort(), ["a::b", "a:b"]);
          for (const { key, isHash } of long) {
            const target = { ...bench.targetOf(limiter), key, isHash };
            const take = { op: "take", mode: "peek", targets: [target], maxWaitUs: 0, id: "", arrivalUs: 0 } as const;
            const { levels: [before] } = await bench.store.execute(take);
            await bench.store.execute({ op: "reset", targets: [target] });
            const { levels: [after] } = await bench.store.execute(take);
            assert.notDeepEqual(before, after);
          }
          assert.deepEqual((await limiter.peek({ key: "x".repeat(10_000) })).remaining, options === once ? 1 : 2);
          await bench.store.resetAll();
        }
      },
    },
    {
      name: "that are empty, too long or no text are refused",
      covers: ["5.12.identifiers"],
      async run(bench) {
        const limiter = bench.limiter(once);
        for (const key of ["", "x".repeat(65_537), 42 as unknown as string]) {
          await assert.rejects(limiter.tryAcquire({ key }), TypeError);
        }
      },
    },
    {
      name: "share the limiter's rules, and follow them",
      covers: ["5.12.get_or_clone"],
      async run(bench) {
        const rs = bench.instance({ api: once });
        const keyed = rs.limiter("api").for("k");
        await keyed.tryAcquire();
        rs.configureLimiter("api", { ...once, limit: 3 });
        assert.equal((await keyed.tryAcquire()).limit, 3);
      },
    },
    {
      name: "by handle or by option are the same key",
      covers: ["5.12.get_or_clone"],
      async run(bench) {
        const limiter = bench.limiter({ ...once, limit: 2 });
        await limiter.for("user@host:1.2").acquire();
        await limiter.acquire({ key: "user@host:1.2" });
        assert.equal((await limiter.for("user@host:1.2").peek()).remaining, 0);
        await limiter.for("user@host:1.2").reset();
        assert.equal((await limiter.peek({ key: "user@host:1.2" })).allowed, true);
      },
    },
    {
      name: "asked for at the same time are one key",
      covers: ["5.12.get_or_clone"],
      async run(bench) {
        const limiter = bench.limiter({ ...once, limit: 4 });
        const decisions = await Promise.all(Array.from({ length: 20 }, () => limiter.for("same").tryAcquire()));
        assert.equal(decisions.filter((decision) => decision.allowed).length, 4);
      },
    },
    {
      name: "have permits and queues of their own",
      covers: ["law.10"],
      async run(bench) {
        const limiter = bench.limiter({ maxConcurrent: 1 });
        const holders = await Promise.all(["a", "b"].map((key) => limiter.acquire({ key })));
        const waiters = ["a", "b"].map((key) => bench.watch(limiter.acquire({ key })));
        await bench.settle();
        await holders[1]?.release();
        await bench.settle();
        assert.deepEqual(waiters.map((waiter) => waiter.pending), [true, false]);
      },
    },
  ],
};
