/**
 * Recognising the objects of other copies of this package. One process can load it twice: two versions in node_modules,
 * a monorepo, the layers of a framework. `instanceof` compares the constructors of one copy; brands are the same
 * symbols in all of them.
 *
 * @module
 */

/**
 * The version of what copies share: the default instance, and the members of limiters, guards and instances that other
 * parts of the package use. It goes up by one when a change breaks what an older copy reads or calls.
 */
export const PROTOCOL = 1;

/** A class, as a value. */
interface Class {
  readonly prototype: object;
}

/**
 * Brands a class: `instanceof` is then true for the instances of every copy of the package. Classes that derive from it
 * keep the ordinary `instanceof`.
 *
 * @param type The class.
 * @param name The name of its brand, the same in all copies.
 */
export function brand(type: Class, name: string): void {
  const symbol = Symbol.for(`@ratesync/core/${name}`);
  Object.defineProperty(type.prototype, symbol, { value: PROTOCOL });
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      if (this !== type) return Function.prototype[Symbol.hasInstance].call(this, value);
      return typeof value === "object" && value !== null && symbol in value;
    },
  });
}

/**
 * Whether a branded object can be used by this copy: its own copy has the same protocol.
 *
 * @param value An instance of the class.
 * @param name The name of its brand.
 */
export function isCompatible(value: object, name: string): boolean {
  return (value as Record<symbol, unknown>)[Symbol.for(`@ratesync/core/${name}`)] === PROTOCOL;
}
