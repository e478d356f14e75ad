import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { byIp, clientAddress, createGuard, NetworkSet } from "@ratesync/core/http";
import { ConfigError, createRateSync } from "@ratesync/core";
import { parseAddress } from "../../src/base/network.ts";
import { GuardedRequest } from "../../src/http/request.ts";
import { anyText } from "../_support/texts.ts";

const PROXY = "10.0.0.1";
const REQUEST = { method: "GET", url: "/", headers: {} };

function xff(value: string | string[]): Record<string, string | string[]> {
  return { "x-forwarded-for": value };
}

describe("clientAddress()", () => {
  const cases: [
    what: string,
    headers: Record<string, string | string[]>,
    peer: string | undefined,
    expected: string | undefined,
  ][] = [
    ["is the peer, where it is no proxy", xff("1.1.1.1"), "203.0.113.7", "203.0.113.7"],
    ["is the peer, where a proxy says nothing", {}, PROXY, PROXY],
    ["is the peer, where a proxy says nothing but commas", xff(" , ,,"), PROXY, PROXY],
    ["is what the proxy says", xff("203.0.113.7"), PROXY, "203.0.113.7"],
    ["is what the outermost proxy says", xff("203.0.113.7, 10.0.0.9, 192.168.1.1"), PROXY, "203.0.113.7"],
    ["is the first, where all are trusted", xff("10.1.1.1, 10.0.0.9"), PROXY, "10.1.1.1"],
    ["is not what a client has forged before the proxy", xff("1.1.1.1, 203.0.113.7"), PROXY, "203.0.113.7"],
    [
      "is not a trusted address that a client has forged",
      xff("127.0.0.1, 10.0.0.2, 203.0.113.7"),
      PROXY,
      "203.0.113.7",
    ],
    ["is not rubbish that a client has forged", xff('a\\"b, ::::, 203.0.113.7'), PROXY, "203.0.113.7"],
    ["reads several headers as one", xff(["1.1.1.1", "203.0.113.7"]), PROXY, "203.0.113.7"],
    ["skips empty elements", xff("203.0.113.7, ,10.0.0.9,,"), PROXY, "203.0.113.7"],
    ["is unknown, where a proxy says something else", xff("1.1.1.1, unknown"), PROXY, undefined],
    ["is unknown, where a proxy says an octal address", xff("1.1.1.1, 0177.0.0.1"), PROXY, undefined],
    ["is unknown without a peer", xff("203.0.113.7"), undefined, undefined],
    ["is unknown with a peer that is no address", xff("203.0.113.7"), "unix:", undefined],
    ["takes ports off", xff("203.0.113.7:4711"), `${PROXY}:80`, "203.0.113.7"],
    ["takes brackets off", xff("[2001:db8::7]:4711"), "[::1]:80", "2001:db8::7"],
    ["takes zones off", {}, "fe80::1%eth0", "fe80::1"],
    ["knows IPv4 in IPv6", xff("::ffff:203.0.113.7"), "::ffff:10.0.0.1", "203.0.113.7"],
    [
      "reads no other header",
      { forwarded: "for=1.1.1.1", "x-real-ip": "1.1.1.1", "cf-connecting-ip": "1.1.1.1" },
      PROXY,
      PROXY,
    ],
  ];
  for (const [what, headers, peer, expected] of cases) {
    it(what, () => {
      assert.equal(clientAddress(headers, peer), expected);
      assert.equal(clientAddress((name) => [headers[name]].flat().join(", ") || undefined, peer), expected);
    });
  }

  const forwarded: [what: string, value: string, expected: string | undefined][] = [
    ["a token", "for=203.0.113.7", "203.0.113.7"],
    ["parameters in any order and case", "proto=https;FOR=203.0.113.7;by=10.0.0.1", "203.0.113.7"],
    ["quotes", `for="[2001:db8:cafe::17]:4711"`, "2001:db8:cafe::17"],
    ["escaped characters", `for="203\\.0.113.7"`, "203.0.113.7"],
    ["a chain", `for=1.1.1.1, for=203.0.113.7;by=10.0.0.2 , for=10.0.0.2`, "203.0.113.7"],
    ["an obfuscated port", `for="203.0.113.7:_http"`, "203.0.113.7"],
    ["an obfuscated name as unidentified", "for=1.1.1.1, for=_hidden", undefined],
    ["unknown as unidentified", "for=unknown", undefined],
    ["a hop that does not say as unidentified", "for=1.1.1.1, proto=https", undefined],
    ["two names of one hop as unidentified", "for=1.1.1.1;for=2.2.2.2", undefined],
    ["an open quote before the proxy's part as unidentified", `for=", for=203.0.113.7`, undefined],
    ["a quote that swallows the proxy's part as unidentified", `for=1.1.1.1;x=", for="[2001:db8::1]"`, undefined],
    ["rubbish before the proxy's part as unidentified", `;;=, for=203.0.113.7`, undefined],
    ["an oversized one as unidentified", `${"for=1.1.1.1, ".repeat(5_000)}for=203.0.113.7`, undefined],
  ];
  for (const [what, value, expected] of forwarded) {
    it(`reads Forwarded: ${what}`, () => {
      assert.equal(clientAddress({ forwarded: value }, PROXY, { addressHeader: "Forwarded" }), expected);
    });
  }

  it("reads a header that holds one address only if addressHeader names it", () => {
    const headers = { "cf-connecting-ip": "203.0.113.7", "x-forwarded-for": "1.1.1.1" };
    const options = { addressHeader: "CF-Connecting-IP", trustedProxies: ["198.51.100.0/24"] };
    assert.equal(clientAddress(headers, "198.51.100.4", options), "203.0.113.7");
    assert.equal(clientAddress(headers, "203.0.113.9", options), "203.0.113.9", "who is no proxy is not believed");
    assert.equal(clientAddress(headers, undefined, options), "203.0.113.7", "a platform that tells no peer");
    assert.equal(clientAddress({ "cf-connecting-ip": "1.1.1.1, 203.0.113.7" }, "198.51.100.4", options), undefined);
    assert.equal(clientAddress({}, undefined, options), undefined);
  });

  const cloudFront: [value: string, expected: string | undefined][] = [
    ["203.0.113.7:46532", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6:46532", "2001:db8:1:2:3:4:5:6"],
    ["2001:db8::1:443", "2001:db8::1"],
    ["::1:2:443", "::1:2"],
    ["::ffff:203.0.113.7:443", "203.0.113.7"],
    ["2001:db8::", undefined],
    ["203.0.113.7", undefined],
    ["unknown:443", undefined],
  ];
  for (const [value, expected] of cloudFront) {
    it(`reads CloudFront-Viewer-Address ${value}: the number after the last colon is a port`, () => {
      const options = { addressHeader: "CloudFront-Viewer-Address" };
      assert.equal(clientAddress({ "cloudfront-viewer-address": value }, PROXY, options), expected);
    });
  }

  it("removes an unbracketed port if the rest is an address", () => {
    assert.equal(clientAddress(xff("2001:db8:1:2:3:4:5:6:46532"), PROXY), "2001:db8:1:2:3:4:5:6");
    assert.equal(clientAddress(xff("2001:db8::1:443"), PROXY), "2001:db8::1:443", "which is an address as it stands");
  });

  it("is the IPv4 address behind the well-known prefix of NAT64, if that is a public one", () => {
    assert.equal(clientAddress({}, "64:ff9b::203.0.113.7"), "203.0.113.7");
    assert.equal(clientAddress(xff("64:ff9b::cb00:7107"), PROXY), "203.0.113.7");
    for (const inside of ["10.0.0.1", "127.0.0.1", "192.168.1.1", "169.254.1.1", "224.0.0.1", "0.0.0.0"]) {
      const told = clientAddress(xff("1.1.1.1"), `64:ff9b::${inside}`);
      assert.match(told ?? "", /^64:ff9b::/, `${inside} must not pass for a proxy`);
    }
  });

  it("refuses options that it does not know, and names the one that was meant", () => {
    for (
      const [name, meant] of [["header", "addressHeader"], ["trustProxy", "trustedProxies"], [
        "adressHeader",
        "addressHeader",
      ]]
    ) {
      assert.throws(
        () => clientAddress({}, PROXY, { [name as string]: "x-real-ip" } as object),
        (error) => error instanceof ConfigError && error.path === name && error.expected.includes(`"${meant}"`),
      );
    }
    assert.throws(() => clientAddress({}, PROXY, { addressHeader: "x real ip" }), ConfigError);
    assert.throws(() => clientAddress({}, PROXY, null as unknown as object), ConfigError);
  });

  it("believes no header where no proxy is trusted", () => {
    assert.equal(clientAddress(xff("1.1.1.1"), "127.0.0.1", { trustedProxies: [] }), "127.0.0.1");
  });

  it("is unknown after more hops than there can be proxies", () => {
    assert.equal(clientAddress(xff("203.0.113.7, " + "10.0.0.1, ".repeat(60)), PROXY), "203.0.113.7");
    assert.equal(clientAddress(xff("203.0.113.7, " + "10.0.0.1, ".repeat(70)), PROXY), undefined);
  });

  it("reads no more of an oversized header than hops are trusted", () => {
    assert.equal(clientAddress(xff(`${"1.1.1.1, ".repeat(200_000)}203.0.113.7`), PROXY), "203.0.113.7");
  });

  it("refuses invalid networks, and says which", () => {
    assert.throws(
      () => new NetworkSet(["10.0.0.0/8", "10.0.0.0/99"]),
      (error) =>
        error instanceof ConfigError && error.path === "trustedProxies[1]" && error.received === '"10.0.0.0/99"',
    );
    assert.throws(() => clientAddress({}, PROXY, { trustedProxies: ["proxy.internal"] }), ConfigError);
  });
});

describe("a forged header", () => {
  const bytes = fc.oneof(
    anyText({ maxLength: 60 }),
    fc.array(
      fc.constantFrom(
        "for=",
        '"',
        ",",
        ";",
        " ",
        "10.0.0.1",
        "127.0.0.1",
        "1.1.1.1",
        "[::1]",
        ":80",
        "\\",
        "\r\n",
        "=",
        "_x",
        "\0",
      ),
      { maxLength: 12 },
    ).map((parts) => parts.join("")),
  );

  it("never names another client, and never throws", () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom("203.0.113.7", "2001:db8::7"), fc.boolean(), (forged, real, many) => {
        const value = many ? [forged, real] : `${forged}, ${real}`;
        assert.equal(clientAddress(xff(value), PROXY), real);
        assert.equal(clientAddress(xff(forged), real), real, "without a proxy");
        const hop = real.includes(":") ? `for="[${real}]"` : `for=${real}`;
        const told = clientAddress({ forwarded: `${forged}, ${hop}` }, PROXY, { addressHeader: "forwarded" });
        assert.ok(told === real || told === undefined, `${told}`);
      }),
      { numRuns: 3_000 },
    );
  });

  it("as the only thing that a proxy says, is an address or unidentified", () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom("x-forwarded-for", "forwarded", "x-real-ip"), (forged, header) => {
        const told = clientAddress({ [header]: forged }, PROXY, { addressHeader: header });
        assert.ok(told === undefined || parseAddress(told) !== undefined, `${told}`);
      }),
      { numRuns: 3_000 },
    );
  });

  it("does not let a client choose its key", async () => {
    await using rs = createRateSync({ limiters: { api: { limit: 1_000_000, windowMs: 1_000 } } });
    const keys = new Set<string | undefined>();
    const guard = createGuard({
      limiter: "api",
      rateSync: rs,
      addressHeader: "forwarded",
      onDecision: (report) => keys.add(report.keys[0]),
      logger: { warn: () => {} },
    });
    await fc.assert(
      fc.asyncProperty(bytes, async (forged) => {
        const headers = { forwarded: `${forged}, for=203.0.113.7`, "x-forwarded-for": forged, "x-real-ip": forged };
        await guard.admit({ method: "GET", url: "/", headers, peer: PROXY });
      }),
      { numRuns: 500, examples: [["for=1.1.1.1"]] }, // one at least that is well-formed
    );
    keys.delete("unidentified"); // all of them together
    assert.deepEqual([...keys], ["ip:203.0.113.7"]);
  });
});

describe("byIp()", () => {
  async function keyOf(peer: string, ipv6Prefix?: number): Promise<unknown> {
    await using rs = createRateSync({ limiters: { api: { limit: 10, windowMs: 1_000 } } });
    const keys: unknown[] = [];
    const guard = createGuard({
      limiter: "api",
      rateSync: rs,
      key: byIp(ipv6Prefix === undefined ? {} : { ipv6Prefix }),
      onDecision: (report) => keys.push(...report.keys),
    });
    await guard.admit({ method: "GET", url: "/", headers: {}, peer });
    return keys[0];
  }

  it("takes a customer's whole network as one client", async () => {
    assert.equal(await keyOf("2001:db8:1:2:3:4:5:6"), "ip:2001:db8:1:2::/64");
    assert.equal(await keyOf("2001:db8:1:2:ffff::"), "ip:2001:db8:1:2::/64");
    assert.equal(await keyOf("2001:db8:1:2:3:4:5:6", 48), "ip:2001:db8:1::/48");
    assert.equal(await keyOf("2001:db8:1:2:3:4:5:6", 128), "ip:2001:db8:1:2:3:4:5:6");
    assert.equal(await keyOf("203.0.113.7"), "ip:203.0.113.7");
    assert.equal(await keyOf("::ffff:203.0.113.7"), "ip:203.0.113.7");
  });

  it("tells clients of a translator apart, by their IPv4 address", async () => {
    assert.equal(await keyOf("64:ff9b::203.0.113.7"), "ip:203.0.113.7");
    assert.equal(await keyOf("64:ff9b::10.0.0.1"), "ip:64:ff9b::a00:1");
    assert.equal(await keyOf("64:ff9b:1::203.0.113.7"), "ip:64:ff9b:1::cb00:7107");
    assert.equal(await keyOf("64:ff9b:1:fffe::203.0.113.7"), "ip:64:ff9b:1:fffe::cb00:7107");
    assert.equal(await keyOf("64:ff9b:2::1"), "ip:64:ff9b:2::/64", "a network like any other");
  });

  it("gives each of many clients its own key, also when they come again", () => {
    const identify = byIp();
    const keyOf = (i: number) => identify(new GuardedRequest({ ...REQUEST, peer: `198.51.${i >> 8}.${i & 255}` }, {}));
    for (const i of [...Array(2_100).keys(), 0, 1, 2_099]) assert.equal(keyOf(i), `ip:198.51.${i >> 8}.${i & 255}`);
  });

  it("refuses an invalid prefix", () => {
    for (const ipv6Prefix of [0, 129, 1.5, NaN]) assert.throws(() => byIp({ ipv6Prefix }), ConfigError);
    assert.throws(() => byIp({ ipv6prefix: 64 } as object), /did you mean "ipv6Prefix"/);
  });
});
