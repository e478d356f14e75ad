import { APPS } from "./_apps.ts";
import { testApp, testBytes } from "./_suite.ts";

testApp("Koa 2", APPS.koa2, { forgetsHeadersOnError: true });
testBytes("Koa 2", APPS.koa2);
