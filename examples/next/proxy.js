import { guardHandler } from "@ratesync/core/http/fetch";
import { NextResponse } from "next/server";

/** Stands in front of pages. Before Next.js 16 the file is `middleware.js`, and what it exports `middleware`. */
export const proxy = guardHandler(() => NextResponse.next(), { limiter: "pages", addressHeader: "x-forwarded-for" });

export const config = { matcher: "/members/:path*" };
