/**
 * How a request gets its key.
 *
 * @module
 */

import { addressGroup } from "../../http/client_address.ts";
import { ConfigError } from "../../base/errors.ts";
import { formatAddress, parseAddress } from "../../base/network.ts";
import { type Field, fieldText, parseField, pathOf, queryOf } from "../fields.ts";
import { Names } from "../tally/names.ts";

/** What limiters count that do not tell clients apart. */
const WHOLE = "none";

/** The bits of an IPv6 address that count: what `byIp` counts where nothing else is said. */
const IPV6_PREFIX = 64;

/** The longest key of a limiter. */
const MAX_KEY_LENGTH = 65_536;

/** Keys of one kind, by number. */
export class KeySource {
  /** As users write it: `user,address`. */
  readonly text: string;
  /** The fields that may hold it; the first that is there counts. None for limiters as a whole. */
  readonly fields: readonly Field[];
  /** The keys that were seen. */
  readonly names: Names = new Names();
  /** The numbers of addresses as they are written. */
  readonly #addresses = new Map<string, number>();

  /**
   * @param text `address`, `user,address`, or `none` for one count for all requests.
   * @throws {ConfigError} If it names no fields.
   */
  constructor(text: string) {
    this.fields = text === WHOLE ? [] : text.split(",").map((part) => parseField(part.trim(), "key"));
    this.text = text === WHOLE ? WHOLE : this.fields.map(fieldText).join(",");
    if (this.fields.some(({ kind }) => kind === "status")) {
      throw new ConfigError({ path: "key", expected: "what is known before the answer", received: '"status"' });
    }
  }

  /**
   * The number of the key of a request.
   *
   * @param values The values of the fields, in their order.
   * @returns The number; -1 if there is no key.
   */
  numberOf(values: readonly (string | undefined)[]): number {
    if (this.fields.length === 0) return this.names.numberOf("");
    for (let i = 0; i < this.fields.length; i++) {
      const field = this.fields[i] as Field;
      const value = values[i];
      if (value === undefined) continue;
      if (field.kind === "address") return this.#numberOfAddress(value);
      const text = valueOf(field, value);
      if (text !== undefined && text !== "" && text.length <= MAX_KEY_LENGTH) return this.names.numberOf(text);
    }
    return -1;
  }

  /** The key of a number, as the limiter gets it. */
  keyOf(number: number): string | undefined {
    return this.fields.length === 0 ? undefined : this.names.textOf(number);
  }

  #numberOfAddress(address: string): number {
    if (!address.includes(":")) return this.names.numberOf(address);
    const known = this.#addresses.get(address);
    if (known !== undefined) return known;
    const number = this.names.numberOf(groupOf(address));
    if (this.#addresses.size >= 100_000) this.#addresses.clear();
    this.#addresses.set(address, number);
    return number;
  }
}

function valueOf(field: Field, value: string): string | undefined {
  if (field.kind === "path") return pathOf(value);
  if (field.kind === "query") return queryOf(value, field.name);
  if (field.kind !== "header" || field.name !== "x-forwarded-for") return value;
  // What clients write themselves is further to the front: the nearest proxy has written the last one.
  return groupOf(value.slice(value.lastIndexOf(",") + 1).trim());
}

/** An address in its canonical form, of IPv6 the network; anything else as it is. */
function groupOf(text: string): string {
  const address = parseAddress(text);
  return address === undefined ? text : addressGroup(formatAddress(address), IPV6_PREFIX);
}
