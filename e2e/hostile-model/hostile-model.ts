import type { ModelScript } from "@windshift/testing/model-script.ts";
import { startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { type RecordingProxy, startRecordingProxy } from "./recording-proxy.ts";

/** A provider whose model does what the item's title says: `hostile:NAME` plays the script of that name. */
export interface HostileModel extends RecordingProxy {
  /** @param script of runs on items with the title `hostile:<name>` */
  learn(name: string, script: ModelScript): Promise<void>;
}

/** @param apiKey the only key that the provider lets in */
export async function startHostileModel(apiKey: string): Promise<HostileModel> {
  const models = new Map<string, Awaited<ReturnType<typeof startScriptedModel>>>();
  const proxy = startRecordingProxy(({ body }) => {
    const name = /hostile:([a-z]+)/.exec(body)?.[1] ?? "";
    const model = models.get(name);
    if (model === undefined) throw new Error(`no script is called ${JSON.stringify(name)}`);
    return model.url;
  });
  const learn: HostileModel["learn"] = async (name, script) =>
    void models.set(name, await startScriptedModel({ script, apiKey }));
  await learn("victim", LISTENS);
  return {
    url: proxy.url,
    requests: proxy.requests,
    learn,
    stop: async () => {
      await proxy.stop();
      for (const model of models.values()) await model.stop();
    },
  };
}

/** Where the attacked run listens inside its container. */
export const LISTENING_PORT = 7_777;

/** Says into its own transcript what neighbors send it; goes on until somebody ends the run. */
const LISTENS: ModelScript = [
  {
    tool_calls: [
      {
        name: "bash",
        args: {
          command: `perl -MIO::Socket::INET -e '$| = 1; my $s = IO::Socket::INET->new(LocalPort => ${LISTENING_PORT}, Listen => 5, ReuseAddr => 1) or die $@; print "listening\\n"; while (my $c = $s->accept) { print "HEARD ", <$c> }'`,
          timeout_s: 600,
        },
      },
    ],
  },
];
