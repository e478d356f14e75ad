import { APPS } from "../_apps.ts";
import { testApp, testBytes } from "../_suite.ts";

testApp("Express 4", APPS.express4);
testBytes("Express 4", APPS.express4);
