import { BATCHED, describeMutants } from "./_mutants.ts";

describeMutants((file) => BATCHED.has(file));
