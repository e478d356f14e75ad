import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { bundleLua } from "../../scripts/lua/bundle.ts";
import { headerProblems, purposeOf } from "../../scripts/lua/header.ts";
import { scriptsModule } from "../../scripts/lua/module.ts";
import { shortener } from "../../scripts/lua/shorten.ts";

const HEADER = `--[[
Takes \`cost\` units
from one key.

KEYS     the key
ARGV     the cost

Returns  { allowed }
]]
`;

function folder(files: Record<string, string>): (name: string) => string {
  return (name) => files[name] ?? assert.fail(`there is no ${name}`);
}

describe("bundleLua()", () => {
  it("includes each file once, where it comes first", () => {
    const read = folder({
      take: `${HEADER}--- @include _time\n--- @include _cell\nreturn take(now)\n`,
      _cell: "--- @include _time\nlocal function take(at)\n  return at\nend\n",
      _time: "-- The server's clock.\nlocal now = 1\n",
    });
    assert.equal(bundleLua("take", read), "local now = 1\nlocal function take(at)\nreturn at\nend\nreturn take(now)");
  });

  it("repeats the lines of a file that is inlined", () => {
    const read = folder({
      take: "local a = 1\n--- @inline _add\nif b then\n  --- @inline _add\nend\n",
      _add: "-- One more.\na = a + 1\n",
    });
    assert.equal(bundleLua("take", read), "local a = 1\na = a + 1\nif b then\na = a + 1\nend");
  });

  it("inlines what a file that is inlined inlines, and refuses what it includes", () => {
    const read = folder({ a: "--- @inline _b\n", _b: "b()\n--- @inline _c\n", _c: "c()\n" });
    assert.equal(bundleLua("a", read), "b()\nc()");
    const including = folder({ a: "--- @inline _b\n", _b: "--- @include _c\n", _c: "c()\n" });
    assert.throws(() => bundleLua("a", including), /_b\.lua: it is inlined, and includes _c/);
  });

  it("drops whole lines only", () => {
    const text =
      `--[==[ one line ]==]\n\n  -- gone\n  local a = "-- stays" -- stays too\n--[==[\nlocal b\n]==]\nreturn t[t[1]]\n`;
    assert.equal(bundleLua("a", folder({ a: text })), `local a = "-- stays" -- stays too\nreturn t[t[1]]`);
  });

  it("refuses strings over several lines, which it would change", () => {
    assert.throws(() => bundleLua("a", folder({ a: "local a = [[\n  text\n]]" })), /a string must end on the line/);
    assert.throws(() => bundleLua("a", folder({ a: 'local a = "one\\\n  two"' })), /a string must end on the line/);
  });
});

describe("headerProblems()", () => {
  it("accepts a complete header", () => {
    assert.deepEqual(headerProblems(HEADER), []);
    assert.equal(purposeOf(HEADER), "Takes `cost` units from one key.");
  });

  it("finds what is missing", () => {
    assert.deepEqual(headerProblems("return 1"), ["it must begin with a --[[ block comment ]]"]);
    assert.deepEqual(headerProblems("--[[\nTakes.\n\nKEYS  the key\n]]\n-- ARGV"), [
      "its header must say what ARGV holds",
      "its header must say what Returns holds",
    ]);
    assert.deepEqual(headerProblems("--[[\nKEYS a\nARGV b\nReturns c\n]]"), [
      "its header must begin with what the script is for",
    ]);
  });
});

describe("shortener()", () => {
  it("gives every long name a short one, the same in every script", () => {
    const shorten = shortener(["local window = 1", "state.window = window + 1 -- opens", "local a"]);
    assert.equal(shorten("local window = 1"), "local b=1");
    assert.equal(shorten("state.window = window + 1 -- opens"), "c.b=b+1");
  });

  it("keeps the names of Lua and Redis, short names, strings and numbers", () => {
    const lua = 'if redis.call("PEXPIRE",KEYS[1],"window")~=1 then return{err=us,at=string.format("%d",1e14)}end';
    assert.equal(shortener([lua])(lua), lua);
  });

  it("keeps names of libraries and methods where they are that, and `call` anywhere", () => {
    const lua = 'local call, format = redis.call, string.format return call("GET", format("%s", text:sub(1)))';
    assert.equal(shortener([lua])(lua), 'local call,a=redis.call,string.format return call("GET",a("%s",b:sub(1)))');
  });

  it("shortens the name of a type, which no field has", () => {
    const lua = 'local number = type(value) == "number"';
    assert.equal(shortener([lua])(lua), 'local a=type(b)=="number"');
  });

  it("keeps a name by which a field is read", () => {
    const shorten = shortener(["limit.window = limit[name]", 'name = "window"']);
    assert.equal(shorten("limit.window = limit[name]"), "a.window=a[b]");
  });

  it("keeps apart what would become one", () => {
    const shorten = shortener([]);
    assert.equal(shorten("a = b - -1"), "a=b- -1");
    assert.equal(shorten("a = 1 .. b"), "a=1 ..b");
    assert.equal(shorten("a = t[ [[x]] ]"), "a=t[ [[x]]]");
    assert.equal(shorten("return not a"), "return not a");
  });
});

/** What the module has in any case. */
const ACROSS = { _across_slots: "-- In front of others.\nlocal KEYS = {}\n" };

describe("scriptsModule()", () => {
  it("writes each script with its name, digest and source", () => {
    const module = scriptsModule(["take_one"], folder({ ...ACROSS, take_one: `${HEADER}return 1\n` }));
    assert.match(module, /^\/\*\* `take_one\.lua`: Takes `cost` units from one key\. \*\/$/m);
    assert.match(module, /^export const takeOne: Script = \{$/m);
    assert.match(module, /^ {2}sha1: "e0e1f9fabfc9d4800c877a703b823ac0578ff8db",$/m); // what Redis says of `return 1`
    assert.match(module, /^ {2}source: `return 1`,$/m);
  });

  it("escapes what means something in a template", () => {
    const module = scriptsModule(["a"], folder({ ...ACROSS, a: 'return "\\n`${x}"' }));
    assert.ok(module.includes('source: `return"\\\\n\\`\\${x}"`,'), module);
  });
});
