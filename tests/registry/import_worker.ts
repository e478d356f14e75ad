/**
 * A process that imports the package, looks at what that did, and ends by itself.
 *
 * @module
 */

import process from "node:process";

let timers = 0;
let environment = 0;
const names = new Set(Object.getOwnPropertyNames(globalThis));
const { setTimeout, setInterval } = globalThis;
const count = (start: typeof setTimeout) => (...args: Parameters<typeof setTimeout>) => {
  timers++;
  return start(...args);
};
Object.assign(globalThis, { setTimeout: count(setTimeout), setInterval: count(setInterval as typeof setTimeout) });
const { env } = process;
const get = (target: typeof env, name: string) => {
  if (/^(RATE_?SYNC|REDIS)/i.test(String(name))) environment++; // runtimes read variables of their own
  return target[name];
};
Object.defineProperty(process, "env", { configurable: true, value: new Proxy(env, { get: get as never }) });
const listeners = () => process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
const before = listeners();

await import("../../mod.ts");

const globals = Object.getOwnPropertyNames(globalThis).filter((name) => !names.has(name));
const handles = listeners() - before;
Object.defineProperty(process, "env", { configurable: true, value: env });
console.log(JSON.stringify({ globals, timers, environment, handles }));
