import { startNats } from "../../../scripts/nats/server.ts";
import { describeEnds, describeSilentEnd } from "../../_support/process_end.ts";

describeEnds("NATS", async () => {
  const server = await startNats();
  return {
    store: { engine: "nats", url: server.url },
    prefixOption: "streamPrefix",
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
});

describeSilentEnd("nats");
