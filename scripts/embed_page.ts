/**
 * Writes the page of the dashboard into its TypeScript module. Part of `npm run embed`.
 *
 * @module
 */

import { writeFile } from "node:fs/promises";

import { currentPageModule, PAGE_MODULE } from "./dashboard/page.ts";

const text = await currentPageModule();
await writeFile(PAGE_MODULE, text);
console.log(`${PAGE_MODULE}: ${text.length} characters`);
