import { describeBenches, OF_PROCESSES } from "./_benches.ts";

describeBenches((name) => OF_PROCESSES.includes(name));
