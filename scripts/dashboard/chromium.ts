/**
 * Chromium without a screen, by Debian's package.
 *
 * @module
 */

import { type Browser, chromium } from "playwright-core";

import { installWithApt } from "../_apt.ts";
import { findProgram } from "../_find_program.ts";

const PROGRAMS = ["chromium", "chromium-browser", "google-chrome"];

/**
 * Starts the browser.
 *
 * @throws {Error} If there is none, and it cannot be installed.
 */
export async function startBrowser(): Promise<Browser> {
  let program = findProgram(PROGRAMS);
  if (program === undefined) {
    const { problem } = await installWithApt("chromium");
    program = findProgram(PROGRAMS);
    if (program === undefined) {
      throw new Error(
        `Cannot find ${PROGRAMS.join(", ")} on the PATH, nor install Debian's package chromium: ${problem}`,
      );
    }
  }
  // Chromium has no sandbox of its own for root, and little shared memory in a container.
  const args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"];
  return await chromium.launch({ executablePath: program, args });
}
