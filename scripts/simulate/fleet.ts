/**
 * A fleet of processes on one store, from a seed, in virtual time: everything that happens is audited.
 *
 * @module
 */

import { createHash } from "node:crypto";

import type { Clock } from "../../src/base/clock.ts";
import { CheckedMemoryStore } from "../../src/stores/memory/checked_memory_store.ts";
import type { MemoryStore } from "../../src/stores/memory/memory_store.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { audit } from "../../tests/_support/auditor/audit.ts";
import { BookKeeper } from "../../tests/_support/auditor/books.ts";
import { type Entry, History } from "../../tests/_support/auditor/history.ts";
import { type Ledger, ledgerName } from "../../tests/_support/auditor/ledger.ts";
import { SteppedAudit } from "../../tests/_support/auditor/stepped.ts";
import { idleProblems } from "./idle.ts";
import { machineOf } from "./machine.ts";
import { Member, type Version } from "./member.ts";
import { LEASE_TTL_MS, type Scenario, scenarioOf, type ScenarioOptions } from "./scenario.ts";
import { settledProblems } from "./settled.ts";
import { StoreClock } from "./store_clock.ts";
import type { PoolCall } from "./traffic.ts";

/** What came of a simulation. */
export interface Outcome {
  /** What is wrong; nothing if all is well. */
  readonly problems: readonly string[];
  /** The same for the same seed and the same program. */
  readonly trace: string;
  /** How long it was, in simulated seconds. */
  readonly seconds: number;
  /** What the store did, line by line. */
  readonly history: History;
}

/** How many processes there are at first. */
const PROCESSES = 3;

/** How far the clock of the store steps back, where it does. */
const STEPS_US = [1_000, 400_000, 3_000_000, 3_600_000_000] as const;

/** After this, in simulated microseconds, everything must be over. */
const LONGEST_US = 300_000_000;

/** How to simulate. */
export interface SimulationOptions extends ScenarioOptions {
  /** Makes the store, for stores with a mistake in them. @default a memory store that checks its states */
  readonly newStore?: (options: { readonly clock: Clock }) => MemoryStore;
}

/** Runs the simulation of a seed. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<Outcome> {
  await (warm ??= new Fleet(scenarioOf(0, { changes: "reload" })).run());
  return await new Fleet(scenarioOf(seed, options), options).run();
}

/** The first simulation loads modules, and processes wait for them in real time: it is another one each time. */
let warm: Promise<unknown> | undefined;

class Fleet {
  readonly #scenario: Scenario;
  readonly #world = new FakeClock();
  readonly #startUs = this.#world.nowUs();
  readonly #storeClock = new StoreClock(this.#world);
  readonly #store: MemoryStore;
  readonly #history = new History();
  readonly #books = new BookKeeper();
  readonly #stepped = new SteppedAudit(this.#books);
  readonly #members: Member[] = [];
  readonly #calls: PoolCall[] = [];
  readonly #charges = new Map<string, number>();
  readonly #problems: string[] = [];
  readonly #crashes = new Map<number, number>();
  /** Processes whose callers are not done. */
  #running = 0;

  constructor(scenario: Scenario, { newStore = (parts) => new CheckedMemoryStore(parts) }: SimulationOptions = {}) {
    this.#scenario = scenario;
    this.#store = newStore({ clock: this.#storeClock });
    this.#history.onEntry = (entry) => this.#enter(entry);
  }

  async run(): Promise<Outcome> {
    using _machine = machineOf(this.#world, this.#scenario.random);
    for (let i = 0; i < PROCESSES; i++) this.#start(this.#scenario.changes === "mixed" && i > 0 ? 1 : 0);
    while (this.#running > 0 && this.#now() < LONGEST_US) {
      this.#disturb();
      this.#change();
      await this.#world.advance(250);
    }
    if (this.#running > 0) this.#problems.push("law 10: calls did not end");
    // No process is left: units that were given back on the way, and leases that are left over, come to rest.
    await this.#world.advance(2 * LEASE_TTL_MS);
    const books = this.#books;
    const isCalm = this.#scenario.weather === "calm";
    const found = audit(books, { charges: this.#charges, inOrder: isCalm, crashes: this.#crashesByInstance() });
    if (this.#scenario.isStepping) {
      // The other laws are about instants of a clock that does not step.
      const real = this.#stepped.problems(this.#storeClock.steps);
      this.#problems.push(...found.filter((problem) => /laws? (7|8|12)\b/.test(problem)), ...real);
    } else {
      this.#problems.push(...found, ...idleProblems(books, { calls: this.#calls, isCalm, crashes: this.#crashes }));
    }
    const seconds = this.#now() / 1e6;
    await this.#end();
    const lines = [...this.#history.lines()];
    const trace = createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 16);
    return { problems: [...new Set(this.#problems)], trace, seconds, history: this.#history };
  }

  /** Takes down what has happened, and looks at a key after units were given back to it. */
  #enter(entry: Entry): void {
    this.#books.enter(entry);
    if (this.#scenario.isStepping) return this.#stepped.enter(this.#world.nowUs());
    if (entry.kind !== "executed" || entry.request.op !== "giveBack") return;
    const { nowUs } = entry.reply;
    for (const target of entry.request.targets) {
      if (target.policy.rates.length === 0) continue;
      const ledger = this.#books.ledgers.get(ledgerName(target)) as Ledger;
      if (ledger.rules.length > 1 || ledger.blockedUs > nowUs) continue; // what other rules count may lapse
      this.#problems.push(...settledProblems(this.#store, target, ledger, nowUs));
    }
  }

  #start(version: Version): void {
    const member = new Member(this.#members.length, version, {
      scenario: this.#scenario,
      world: this.#world,
      store: this.#store,
      history: this.#history,
      calls: this.#calls,
      charges: this.#charges,
      problems: this.#problems,
    });
    this.#members.push(member);
    this.#running++;
    void member.run().then(() => void this.#running--);
  }

  /** Lets rules change, now and then. */
  #change(): void {
    const { changes, random } = this.#scenario;
    if ((changes !== "rolling" && changes !== "reload") || !random.chance(0.1)) return;
    const able = this.#members.filter(({ clock, isClosed }) => clock.isRunning && !isClosed);
    const old = able.find(({ version }) => version === 0);
    if (changes === "reload") able[random.below(able.length)]?.reload();
    else if (old !== undefined) {
      this.#start(1);
      // What it has not done is lost with it.
      void old.close();
    }
  }

  /** Lets something go wrong, now and then. */
  #disturb(): void {
    const { weather, random, isStepping } = this.#scenario;
    if (isStepping && random.chance(0.05)) this.#storeClock.stepBack(random.pick(STEPS_US));
    if (weather !== "stormy" || !random.chance(0.06)) return;
    const { clock, link, number } = this.#members[random.below(this.#members.length)] as Member;
    if (!clock.isRunning) return;
    const later = (us: number, work: () => void) => void this.#world.schedule(this.#world.nowUs() + us, work);
    const what = random.below(8);
    if (what < 3) {
      link.cut();
      later(100_000 + random.below(2_000_000), () => link.mend());
    } else if (what < 5) {
      clock.pause();
      later(100_000 + random.below(8_000_000), () => clock.resume());
    } else if (what < 7) clock.stepForward(random.below(20_000_000));
    else if (this.#crashes.size === 0) {
      clock.crash();
      this.#crashes.set(number, this.#world.nowUs());
    }
  }

  #crashesByInstance(): Map<string, number> {
    const crashes = new Map<string, number>();
    for (const [process, atUs] of this.#crashes) {
      for (const instance of this.#history.instancesOf(process)) crashes.set(instance, atUs);
    }
    return crashes;
  }

  async #end(): Promise<void> {
    // Those that have crashed too: nothing of them may reach into the next simulation.
    const closed = Promise.all(this.#members.map((member) => member.close()));
    await Promise.race([closed, this.#world.advance(10_000)]);
  }

  #now(): number {
    return this.#world.nowUs() - this.#startUs;
  }
}
