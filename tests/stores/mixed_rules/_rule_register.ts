/**
 * The register of a limiter's rules, and processes that ask it.
 *
 * @module
 */

import assert from "node:assert/strict";

import { KeyNames } from "../../../src/stores/redis/keys.ts";
import { register } from "../../../src/stores/redis/scripts.gen.ts";
import type { ParityServices } from "../../_support/parity.ts";
import { freshPrefix } from "../../_support/redis.ts";

/** A process as the register sees it. */
export class Member {
  /** Its rules, in words. */
  readonly rules: string;
  /** Where the register has counted it. */
  counted: string = "";
  /** When it asked last, and whether it has since it came, or came back. */
  askedUs: number = -Infinity;
  isCounted: boolean = false;

  /** Makes one that has asked nothing. */
  constructor(rules: string) {
    this.rules = rules;
  }
}

/** A register, and processes that ask it. */
export class RegisterLab {
  readonly #services: ParityServices;
  readonly #key = new KeyNames(freshPrefix()).register("l");
  /** The time. */
  nowUs: number = 1_800_000_000_000_000;
  /** The plain rules, and those that will be, as was told last. */
  plain: readonly unknown[] = [];

  /** Makes a register with a name of its own. The caller closes nothing. */
  constructor(services: ParityServices) {
    this.#services = services;
  }

  /** Asks, as a process does. Returns how many other rules are in use. */
  async ask(member: Member): Promise<number> {
    const reply = await this.#run(member, "0");
    member.counted = String(reply[5]);
    member.askedUs = this.nowUs;
    member.isCounted = true;
    this.plain = reply.slice(1, 3);
    return Number(reply[4]);
  }

  /** Signs off, as a process does. */
  async leave(member: Member): Promise<void> {
    if (!member.isCounted) return;
    await this.#run(member, "1");
    this.forget(member);
  }

  /** What becomes of a process that has ended, signed off or not. */
  forget(member: Member): void {
    [member.counted, member.askedUs, member.isCounted] = ["", -Infinity, false];
  }

  /** Loses the register. */
  async lose(): Promise<void> {
    await this.#services.raw.send("DEL", this.#key);
    this.nowUs++;
  }

  async #run({ rules, counted }: Member, leaves: string): Promise<unknown[]> {
    const args = [String(this.nowUs), `1 f 1 ${rules}`, rules, "60000000", counted, leaves];
    const { connection, testScript = (call) => call } = this.#services;
    const sent = testScript({ script: register, keys: [this.#key], args });
    return await connection.run(sent.script, sent.keys, sent.args) as unknown[];
  }
}

/** Processes that ask, sign off and crash, in a fixed order: for mistakes in the script. */
export async function assertRegister(services: ParityServices): Promise<void> {
  const lab = new RegisterLab(services);
  const [one, two, other] = [new Member("10"), new Member("10"), new Member("20")];
  for (let span = 0; span < 3; span++) {
    for (const member of [one, two, other]) await lab.ask(member);
    lab.nowUs += 140_000_000;
    for (const member of [two, other]) await lab.ask(member);
    lab.nowUs += 140_000_000;
    assert.equal(await lab.ask(one), 1);
  }
  await lab.leave(two);
  assert.equal(await lab.ask(other), 1, "one of two has signed off");
  await lab.leave(one);
  assert.equal(await lab.ask(other), 0, "both have signed off");
  // Processes that crash are not counted for ever.
  for (let crashes = 0; crashes < 3; crashes++) await lab.ask(new Member("10"));
  for (let asks = 0; asks < 5; asks++) {
    lab.nowUs += 140_000_000;
    await lab.ask(one);
  }
  await lab.leave(one);
  assert.equal(await lab.ask(other), 0, "the others crashed long ago");
}
