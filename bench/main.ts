import { parseArgs } from "node:util";
import { z } from "zod";
import { agent } from "./agent/agent.ts";
import { agentPeers } from "./agent/agent-peers.ts";
import type { Bench } from "./bench.ts";
import { runBenches } from "./bench-session.ts";
import { gitBroker } from "./git-broker/git-broker.ts";
import { growth, growthCurves } from "./growth/growth.ts";
import { llmBroker } from "./llm-broker/llm-broker.ts";
import { llmPeers } from "./llm-peers/llm-peers.ts";
import { mainJob } from "./main-job/main-job.ts";
import { events } from "./queue/events.ts";
import { fleet } from "./queue/fleet.ts";
import { flood } from "./queue/flood.ts";
import { queue } from "./queue/queue.ts";
import { recovery } from "./queue/recovery.ts";
import { serverStart } from "./server-start/server-start.ts";
import { tracker } from "./tracker/tracker.ts";
import { webLoad } from "./web-load/web-load.ts";
import { webTranscript } from "./web-transcript/web-transcript.ts";

/**
 * `npm run bench -- NAME … | all`: figures as JSON lines on stdout, everything else on stderr, at its end all figures as one table
 * and the time that each benchmark took. One that fails does not end the others.
 * Exit code 0 when every bar holds, 1 when one does not or a benchmark failed, 2 for a name nobody knows.
 */
const BENCHES: readonly Bench[] = [
  mainJob,
  serverStart,
  agent,
  agentPeers,
  gitBroker,
  llmBroker,
  llmPeers,
  queue,
  events,
  fleet,
  flood,
  recovery,
  tracker,
  webLoad,
  webTranscript,
  growth,
  ...growthCurves,
];

const Wanted = z.strictObject({
  "up-to": z
    .string()
    .regex(/^[1-9]\d{0,8}$/, "write a whole number")
    .transform(Number)
    .default(Number.POSITIVE_INFINITY),
});

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { "up-to": { type: "string" } },
    allowPositionals: true,
  });
  const wanted = Wanted.safeParse({ ...values });
  const unknown = positionals.filter(
    (name) => name !== "all" && !BENCHES.some((bench) => bench.name === name),
  );
  const benches = BENCHES.filter(
    (bench) => positionals.includes(bench.name) || (positionals.includes("all") && bench.onlyByName !== true),
  );
  if (!wanted.success || unknown.length > 0 || benches.length === 0) {
    for (const name of unknown) say(`bench: there is no benchmark ${JSON.stringify(name)}`);
    if (!wanted.success) say(z.prettifyError(wanted.error));
    say("usage: npm run --silent bench -- [--up-to SIZE] NAME … | all");
    say("  --up-to  the largest size of a curve, to try it: npm run bench -- --up-to 1000 growth-queue");
    for (const bench of BENCHES) say(`  ${bench.name.padEnd(18)} ${bench.about}`);
    return 2;
  }
  const figure = (line: string) => void process.stdout.write(`${line}\n`);
  return (await runBenches({ benches, sizeMax: wanted.data["up-to"], figure, say })) ? 0 : 1;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

process.exit(
  await main(process.argv.slice(2)).catch((error: unknown) => {
    say(`bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return 1;
  }),
);
