import { describeOneLimit } from "../../_support/enumeration/one_limit.ts";

describeOneLimit({ sliding_window: 10, sliding_window_counter: 10, fixed_window: 10 });
