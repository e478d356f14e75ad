/**
 * A store whose server is in this process, but for its failures. `down` cannot be reached; the driver for `nodriver`
 * is not installed.
 *
 * @module
 */

import { StoreError } from "../../base/errors.ts";
import { newStoreCheck, type StoreCheck } from "../check.ts";
import { MemoryStore } from "../memory/memory_store.ts";

/** A toy store. */
export class ToyStore extends MemoryStore {
  override readonly engine = "toy";
  override readonly isLocal = false;
  readonly #host: string;

  constructor(host: string) {
    super();
    this.#host = host;
    if (host === "down") this.#fail(new StoreError("STORE_UNAVAILABLE", "Nothing listens", { reason: "disconnected" }));
    const options = { reason: "driver_missing" } as const;
    if (host === "nodriver") this.#fail(new StoreError("STORE_UNAVAILABLE", "Install the driver", options));
  }

  override check(): Promise<StoreCheck> {
    return Promise.resolve(newStoreCheck({ engine: "toy", url: `toy://${this.#host}`, advice: ["Use a real one"] }));
  }

  #fail(error: StoreError): void {
    const fail = () => Promise.reject(error);
    Object.assign(this, { execute: fail, connect: fail, listen: fail });
  }
}
