/**
 * The configuration of the process that serves the page.
 *
 * @module
 */

import type { VNode } from "preact";

import type { ConfigView } from "../view.ts";
import { many } from "./format.ts";
import { Scroll } from "./scroll.tsx";

/** The limiters and stores as they are configured. */
export function Configuration({ config }: { readonly config: ConfigView }): VNode {
  return (
    <section aria-labelledby="configuration">
      <h2 id="configuration">Configuration</h2>
      <details>
        <summary>
          Version {config.version} in this process, {many(config.limiters.length, "limiter", "limiters")}
        </summary>
        <Scroll label="Configuration">
          <table>
            <thead>
              <tr>
                <th scope="col">Limiter</th>
                <th scope="col">Rules</th>
                <th scope="col">Store</th>
                <th scope="col">If the store fails</th>
              </tr>
            </thead>
            <tbody>
              {config.limiters.map(({ id, rules, store, onStoreError }) => (
                <tr key={id}>
                  <th scope="row" class="key">{id}</th>
                  <td>{rules}</td>
                  <td class="key">{store}</td>
                  <td>{onStoreError}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
        <ul>
          {config.stores.map(({ id, engine, url }) => <li key={id} class="key">{id}: {engine} {url}</li>)}
        </ul>
      </details>
    </section>
  );
}
