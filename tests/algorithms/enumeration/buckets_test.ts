import { describeOneLimit } from "../../_support/enumeration/one_limit.ts";

describeOneLimit({ token_bucket: 10, "token_bucket of 3 in 7 µs": 10 });
