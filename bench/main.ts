import { agent } from "./agent/agent.ts";
import { agentPeers } from "./agent/agent-peers.ts";
import type { Bench } from "./bench.ts";
import { Figure } from "./figure.ts";
import { figureTable } from "./figure-table.ts";
import { gitBroker } from "./git-broker/git-broker.ts";
import { growth, growthCurves } from "./growth/growth.ts";
import { llmBroker } from "./llm-broker/llm-broker.ts";
import { mainJob } from "./main-job/main-job.ts";
import { events } from "./queue/events.ts";
import { fleet } from "./queue/fleet.ts";
import { flood } from "./queue/flood.ts";
import { queue } from "./queue/queue.ts";
import { recovery } from "./queue/recovery.ts";
import { serverStart } from "./server-start/server-start.ts";
import { tracker } from "./tracker/tracker.ts";
import { webTranscript } from "./web-transcript/web-transcript.ts";

/**
 * `npm run bench -- NAME … | all`: figures as JSON lines on stdout, everything else on stderr, at its end all figures as one table.
 * Exit code 0 when every bar holds, 1 when one does not or a benchmark failed, 2 for a name nobody knows.
 */
const BENCHES: readonly Bench[] = [
  mainJob,
  serverStart,
  agent,
  agentPeers,
  gitBroker,
  llmBroker,
  queue,
  events,
  fleet,
  flood,
  recovery,
  tracker,
  webTranscript,
  growth,
  ...growthCurves,
];

async function main(names: readonly string[]): Promise<number> {
  const chosen = BENCHES.filter(
    (bench) => names.includes(bench.name) || (names.includes("all") && bench.onlyByName !== true),
  );
  const unknown = names.filter((name) => name !== "all" && !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0 || chosen.length === 0) {
    for (const name of unknown) say(`bench: there is no benchmark ${JSON.stringify(name)}`);
    say("usage: npm run --silent bench -- NAME … | all");
    for (const bench of BENCHES) say(`  ${bench.name.padEnd(18)} ${bench.about}`);
    return 2;
  }
  const figures: Figure[] = [];
  for (const bench of chosen) {
    say(`${bench.name}: ${bench.about}`);
    await bench.run({
      figure: (figure) => {
        process.stdout.write(`${JSON.stringify(Figure.parse(figure))}\n`);
        figures.push(figure);
      },
      progress: (line) => say(`  ${line}`),
    });
  }
  for (const line of ["", ...figureTable(figures)]) say(line);
  return figures.every(({ holds }) => holds) ? 0 : 1;
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
