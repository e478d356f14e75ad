import { BATCHED, describeMutants, PERMITS } from "./_mutants.ts";

describeMutants((file) => !BATCHED.has(file) && !PERMITS.includes(file));
