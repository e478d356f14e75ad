import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { describe, it } from "node:test";

import * as core from "@ratesync/core";
import * as http from "@ratesync/core/http";
import * as memory from "@ratesync/core/memory";
import * as nats from "@ratesync/core/nats";
import * as outbound from "@ratesync/core/outbound";
import * as postgres from "@ratesync/core/postgres";
import * as redis from "@ratesync/core/redis";
import * as testing from "@ratesync/core/testing";

import { brand, isCompatible, PROTOCOL } from "../../src/base/brand.ts";
import { isLimiter } from "../../src/limiter/is_limiter.ts";

type Class = { readonly name: string; readonly prototype: Record<symbol, unknown> };

const exported = { ...core, ...http, ...memory, ...nats, ...outbound, ...postgres, ...redis, ...testing };
const classes = Object.entries(exported).filter(([name, value]) =>
  typeof value === "function" && /^[A-Z]/.test(name) && value.prototype !== undefined
) as unknown as [string, Class][];

/** What a second copy of the package would make: the same brand, and a constructor that this copy does not know. */
function foreign(name: string, protocol: number = PROTOCOL): object {
  return Object.create({}, { [Symbol.for(`@ratesync/core/${name}`)]: { value: protocol } });
}

describe("brand()", () => {
  for (const [name, type] of classes) {
    it(`makes instanceof true for a ${name} of another copy`, () => {
      assert.ok(foreign(name) instanceof (type as unknown as new () => object));
      assert.ok(!({} instanceof (type as unknown as new () => object)));
    });
  }

  it("brands every class of the package that the source compares with instanceof", async () => {
    const files = (await readdir("src", { recursive: true })).filter((file) => file.endsWith(".ts"));
    const texts = await Promise.all(files.map((file) => readFile(`src/${file}`, "utf8")));
    const compared = new Set(texts.flatMap((text) => [...text.matchAll(/ instanceof (\w+)/g)].map(([, name]) => name)));
    const branded = new Set(classes.map(([name]) => name));
    const ours = texts.flatMap((text) => [...text.matchAll(/^export class (\w+)/gm)].map(([, name = ""]) => name));
    const missing = ours.filter((name) => compared.has(name) && !branded.has(name) && !INTERNAL.includes(name));
    assert.deepEqual(missing, []);
    assert.ok(branded.has("Limiter") && compared.has("StoreError")); // the search has found something
  });

  it("leaves instanceof of derived classes as it is", () => {
    class Mine extends core.StoreError {}
    const mine = new Mine("STORE_REFUSED", "no");
    assert.ok(mine instanceof Mine && mine instanceof core.StoreError && mine instanceof core.RateSyncError);
    assert.ok(!(new core.StoreError("STORE_REFUSED", "no") instanceof Mine));
    assert.ok(!(new core.ClosedError("it") instanceof core.StoreError));
  });

  it("tells whether an object has the protocol of this copy", () => {
    class Thing {}
    brand(Thing, "Thing");
    assert.ok(isCompatible(new Thing(), "Thing"));
    assert.ok(!isCompatible(foreign("Thing", PROTOCOL + 1), "Thing"));
  });
});

describe("isLimiter()", () => {
  it("accepts a limiter of another copy with the same protocol", () => {
    assert.ok(isLimiter(foreign("Limiter")));
    assert.ok(!isLimiter("api") && !isLimiter({}) && !isLimiter(null));
  });

  it("throws a ConfigError for a limiter of a version with another protocol", () => {
    assert.throws(() => isLimiter(foreign("Limiter", PROTOCOL + 1)), {
      name: "ConfigError",
      message: /of another version; this process has loaded two/,
    });
  });
});

describe("RateSyncError.name", () => {
  for (const [name, type] of classes.filter(([name]) => name.endsWith("Error"))) {
    it(`is the literal "${name}", which no minifier changes`, () => {
      assert.equal(Object.getOwnPropertyDescriptor(type.prototype, "name")?.value, name);
    });
  }

  it("is in the stack, and not among the fields", () => {
    const error = new core.StoreError("STORE_TIMEOUT", "too late");
    assert.match(String(error.stack), /^StoreError: too late/);
    assert.deepEqual(Object.keys(error).sort(), ["code", "isOfKey", "reason", "retryAfterMs"]);
  });
});

/** Classes that no other copy can hand in: they do not leave the code that makes them. */
const INTERNAL: readonly string[] = [
  "EntryTable",
  "FromEnvironment",
  "GreetingError",
  "Html",
  "Log",
  "LogError",
  "NoneAnswered",
  "NotBegun",
  "NotConfirmed",
  "Problem",
  "RestRefusal",
  "Stopped",
  "UnknownRules",
  "UnreadableFile",
  "UsageError",
];
