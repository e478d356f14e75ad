import assert from "node:assert/strict";
import { isIP } from "node:net";
import { describe, it } from "node:test";

import fc from "fast-check";

import ipaddr from "ipaddr.js";

import { type Address, contains, formatAddress, masked, parseAddress, parseNetwork } from "../../src/base/network.ts";

/** Text that looks like an address, and sometimes is one. */
const nearAddresses = fc.oneof(
  fc.ipV4(),
  fc.ipV4Extended(),
  fc.ipV6(),
  fc.string({ unit: fc.constantFrom(..."0123456789abcdfF:./[]") }),
  fc.array(fc.constantFrom("::", ":", "0", "ffff", "1.2.3.4", "10", "010", "256", "fe80"), { maxLength: 9 })
    .map((parts) => parts.join("")),
);

const bytes = (length: number) => fc.array(fc.nat(0xff), { minLength: length, maxLength: length });

/** Addresses as they are read: one that is mapped from IPv4 to IPv6 is not among them. */
const addresses = fc.oneof(bytes(4), bytes(16)).map((all) => ipaddr.fromByteArray(all))
  .filter((address) => !(address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress()));

function bitsOf(address: Address): string {
  return address.toByteArray().map((byte) => byte.toString(2).padStart(8, "0")).join("");
}

function addressOf(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(parsed, text);
  return parsed;
}

function network(text: string) {
  const parsed = parseNetwork(text);
  assert.ok(parsed, text);
  return parsed;
}

describe("parseAddress()", () => {
  it("reads what node:net calls an address, and nothing else", () => {
    fc.assert(
      fc.property(nearAddresses, (text) => {
        assert.equal(parseAddress(text) !== undefined, isIP(text) !== 0, JSON.stringify(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it("reads back what formatAddress() writes, which is an address to node:net too", () => {
    fc.assert(
      fc.property(addresses, (address) => {
        const text = formatAddress(address);
        assert.notEqual(isIP(text), 0, text);
        assert.deepEqual(addressOf(text).toByteArray(), address.toByteArray());
      }),
    );
  });

  const canonical: [string, string][] = [
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:c000:201", "192.0.2.1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
    ["::", "::"],
    ["fe80::1%eth0", "fe80::1"],
    ["64:ff9b::192.0.2.1", "64:ff9b::c000:201"],
  ];
  for (const [text, expected] of canonical) {
    it(`writes ${text} as ${expected}`, () => {
      assert.equal(formatAddress(addressOf(text)), expected);
    });
  }

  for (
    const text of [
      "",
      " 1.2.3.4",
      "1.2.3.4 ",
      "01.2.3.4",
      "0x7f.1",
      "1.2.3",
      "fe80::1%",
      "fe80::1%1%1",
      "fe80::1%a b",
      "1.2.3.4%1",
      "::1\n",
      `${"0".repeat(200)}::1`,
    ]
  ) {
    it(`does not read ${JSON.stringify(text.slice(0, 20))}`, () => {
      assert.equal(parseAddress(text), undefined);
    });
  }
});

describe("parseNetwork()", () => {
  it("contains the addresses whose first bits agree", () => {
    fc.assert(
      fc.property(addresses, addresses, fc.nat(128), fc.nat(128), (base, other, prefix, changed) => {
        const bits = bitsOf(base).length;
        const length = Math.min(prefix, bits);
        const near = base.toByteArray().map((byte, i) => i === changed >> 3 ? byte ^ (1 << (7 - changed % 8)) : byte);
        for (const address of [other, ipaddr.fromByteArray(near), base]) {
          const expected = address.kind() === base.kind() &&
            bitsOf(address).slice(0, length) === bitsOf(base).slice(0, length);
          assert.equal(contains([base, length], address), expected);
        }
        assert.equal(bitsOf(masked(base, length)), bitsOf(base).slice(0, length).padEnd(bits, "0"));
      }),
    );
  });

  it("takes one address, bits beyond the prefix, and mapped networks", () => {
    const address = addressOf("10.1.2.3");
    assert.equal(contains(network("10.1.2.3"), address), true);
    assert.equal(contains(network("10.9.9.9/8"), address), true);
    assert.equal(contains(network("::ffff:10.0.0.0/104"), address), true);
    assert.equal(contains(network("10.1.2.4"), address), false);
    assert.equal(contains(network("0.0.0.0/0"), address), true);
    assert.equal(contains(network("::/0"), address), false);
  });

  for (
    const text of [
      "",
      "10.0.0.0/33",
      "10.0.0.0/-1",
      "10.0.0.0/08",
      "10.0.0.0/",
      "::/129",
      "fe80::1%1/64",
      "a/8",
      "1.2.3.4/8/8",
    ]
  ) {
    it(`does not read ${JSON.stringify(text)}`, () => {
      assert.equal(parseNetwork(text), undefined);
    });
  }
});
