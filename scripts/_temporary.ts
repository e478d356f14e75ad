/**
 * Folders that do not outlive this process.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** A new folder, removed when disposed, or when this process ends before that. */
export class TemporaryFolder implements Disposable {
  /** Where it is. */
  readonly path: string;

  /** Makes `ratesync-<name>-<random>` where the system keeps temporary files. */
  constructor(name: string) {
    this.path = mkdtempSync(join(tmpdir(), `ratesync-${name}-`));
    process.once("exit", this.#remove);
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#remove);
    this.#remove();
  }

  #remove = (): void => rmSync(this.path, { recursive: true, force: true, maxRetries: 3 });
}
