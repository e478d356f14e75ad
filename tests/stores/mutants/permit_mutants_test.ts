import { describeMutants, PERMITS } from "./_mutants.ts";

describeMutants((file) => PERMITS.includes(file));
