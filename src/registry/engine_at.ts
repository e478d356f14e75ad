/**
 * The engine of a store that does not name it.
 *
 * @module
 */

import { ENGINE_NAMES, type EngineName, ENGINES } from "./engines.ts";

/** The engine of a store that names none, by its place; undefined if that does not tell. */
export function engineAt(place: { readonly url?: unknown }): EngineName | undefined {
  return ENGINE_NAMES.find((name) => {
    const { remote } = ENGINES[name];
    return remote?.urls.test(String(place.url)) || remote?.otherPlaces.some((option) => option in place);
  });
}
