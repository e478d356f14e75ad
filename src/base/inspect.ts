/**
 * What `console.log` and `JSON.stringify` show of our objects, on Node, Deno and Bun. Most of what they say is behind
 * getters and private fields, which both would leave out, and what they are made of may refer to itself.
 *
 * @module
 */

/** All three runtimes look for it. */
const CUSTOM = Symbol.for("nodejs.util.inspect.custom");

/** The most characters of a key that are shown. */
const MAX_SHOWN = 200;

/**
 * Lets `console.log` show what an object says in place of what it is made of, and `JSON.stringify` too if the object
 * has no `toJSON` of its own.
 *
 * @param target The object, or the prototype of a class.
 * @param name What it is called, also where a bundler has renamed its class.
 * @param tell What is shown of it. No secrets.
 */
export function showAs<Shown extends object>(target: Shown, name: string, tell: (shown: Shown) => object): void {
  Object.defineProperty(target, CUSTOM, {
    value(this: Shown, depth: number, options: unknown, inspect?: (value: object, options: unknown) => string) {
      return depth < 0 || inspect === undefined ? `[${name}]` : `${name} ${inspect(tell(this), options)}`;
    },
  });
  if ("toJSON" in target) return;
  Object.defineProperty(target, "toJSON", {
    value(this: Shown) {
      return tell(this);
    },
  });
}

/** A key as it is shown: clients choose keys, and a long one would fill the log. */
export function shownKey(key: string | undefined): string | undefined {
  return key === undefined || key.length <= MAX_SHOWN ? key : `${key.slice(0, MAX_SHOWN - 1)}…`;
}
