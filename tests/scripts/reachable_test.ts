import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { reachable } from "../../scripts/package/reachable.ts";

const TEXTS = new Map([
  ["mod", 'export { type Options, open } from "./src/open.ts";\nexport type * from "./src/all.ts";\n'],
  [
    "src/open",
    'import type { Hidden, Unused } from "./hidden.ts";\nimport type { Client } from "redis";\n' +
    "/** What open takes. */\nexport interface Options {\n    readonly hidden: Hidden;\n}\n" +
    'export declare function open(options: Options): import("./late.ts").Late;\n' +
    "export declare function nobody(client: Client): void;\n",
  ],
  [
    "src/hidden",
    "export interface Hidden {\n    readonly a: 1;\n}\nexport interface Unused {\n    readonly b: 1;\n}\n",
  ],
  ["src/late", "export declare class Late {\n}\nexport declare class Later {\n}\n"],
  ["src/all", "export interface One {\n}\nexport interface Two {\n}\n"],
  ["src/away", "export interface Away {\n}\n"],
]);

describe("reachable()", () => {
  const cut = reachable(TEXTS, ["mod"]);

  it("leaves out modules that nothing names", () => {
    assert.deepEqual([...cut.keys()], ["mod", "src/open", "src/hidden", "src/late", "src/all"]);
  });

  it("keeps what an entry exports, with its comment, and what that needs", () => {
    assert.equal(
      cut.get("src/open"),
      'import type { Hidden } from "./hidden.ts";\n' +
        "/** What open takes. */\nexport interface Options {\n    readonly hidden: Hidden;\n}\n" +
        'export declare function open(options: Options): import("./late.ts").Late;\n',
    );
    assert.equal(cut.get("src/hidden"), "export interface Hidden {\n    readonly a: 1;\n}\n");
    assert.equal(cut.get("src/late"), "export declare class Late {\n}\n");
  });

  it("keeps all of a module that is exported as a whole", () => {
    assert.equal(cut.get("src/all"), TEXTS.get("src/all"));
    assert.equal(cut.get("mod"), TEXTS.get("mod"));
  });
});
