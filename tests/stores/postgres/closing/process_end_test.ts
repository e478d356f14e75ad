import { describeEnds, describeSilentEnd } from "../../../_support/process_end.ts";
import { dropSchema, freshSchema, postgresUrl } from "../../../_support/postgres.ts";

describeEnds("PostgreSQL", () => {
  const schemas: string[] = [];
  return Promise.resolve({
    store: { engine: "postgres", url: postgresUrl() } as const,
    prefixOption: "schema" as const,
    freshPrefix() {
      const schema = freshSchema();
      schemas.push(schema);
      return schema;
    },
    async [Symbol.asyncDispose]() {
      for (const schema of schemas) await dropSchema(schema);
    },
  });
});

describeSilentEnd("postgres");
