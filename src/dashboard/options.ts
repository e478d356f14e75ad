/**
 * How a dashboard is made.
 *
 * @module
 */

import { ConfigError } from "../base/errors.ts";
import { show } from "../base/text.ts";
import { rejectUnknownOptions } from "../base/unknown_options.ts";

/** How a dashboard is made. */
export interface DashboardOptions {
  /**
   * The path under which the handler is called, if the framework does not remove it from the URL: `/limits`. Express and
   * `app.mount` of Hono remove it. @default {""}
   */
  readonly basePath?: string;
  /** Whether visitors may block, unblock and reset keys. @default {false} */
  readonly allowChanges?: boolean;
  /** The title of the page, up to 200 characters. @default {"Rate limits"} */
  readonly title?: string;
  /**
   * What visitors must enter, or bring as `#token=...` behind the address: 16 to 1 024 printable ASCII characters without
   * spaces. Without one, your own authentication must protect the handler.
   */
  readonly token?: string | undefined;
  /** The most pages that may be open at a time, from 1 to 10 000. @default {100} */
  readonly maxVisitors?: number;
}

/** The same, with every default. */
export interface DashboardSettings {
  readonly basePath: string;
  readonly allowChanges: boolean;
  readonly title: string;
  readonly token: string | undefined;
  readonly maxVisitors: number;
}

const NAMES = ["basePath", "allowChanges", "title", "token", "maxVisitors"];

/**
 * Checks the options and adds the defaults.
 *
 * @throws {ConfigError} If one cannot be used.
 */
export function dashboardSettings(options: DashboardOptions): DashboardSettings {
  rejectUnknownOptions(options, NAMES, "dashboard.");
  const { basePath = "", allowChanges = false, title = "Rate limits", token, maxVisitors = 100 } = options;
  if (typeof basePath !== "string" || !/^(\/[^?#]*)?$/.test(basePath)) {
    fail("basePath", "a path such as /limits", show(basePath));
  }
  if (typeof allowChanges !== "boolean") fail("allowChanges", "true or false", show(allowChanges));
  if (typeof title !== "string" || title === "" || title.length > 200) {
    fail("title", "1 to 200 characters", show(title));
  }
  if (token !== undefined && (typeof token !== "string" || !/^[\x21-\x7e]{16,1024}$/.test(token))) {
    fail("token", "16 to 1024 printable ASCII characters without spaces", "another text"); // never the text itself
  }
  if (!Number.isSafeInteger(maxVisitors) || maxVisitors < 1 || maxVisitors > 10_000) {
    fail("maxVisitors", "a whole number from 1 to 10 000", show(maxVisitors));
  }
  return { basePath: basePath.replace(/\/+$/, ""), allowChanges, title, token, maxVisitors };
}

function fail(name: string, expected: string, received: string): never {
  throw new ConfigError({ path: `dashboard.${name}`, expected, received });
}
